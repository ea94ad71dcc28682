/** Words longer than this are cut, in what is stored and in what is asked for alike. Code points. */
export const MAX_WORD_LENGTH = 40;

/** Nothing to fold but its case: most texts, and a tenth of the work. */
const ASCII = /^\p{ASCII}*$/u;

/** Case and accents gone: NFKD without combining marks, lower case. `Straße` → `strasse`, `Ünïcode` → `unicode`. */
export function fold(text: string): string {
  if (ASCII.test(text)) return text.toLowerCase();
  // Compatibility forms may decompose into capitals (`™`), and lower case may decompose into marks (`İ`).
  const lower = text.normalize('NFKD').toLowerCase().normalize('NFKD');
  return (
    lower
      .replace(/\p{M}+/gu, '')
      .replaceAll('ß', 'ss')
      // One letter with two small forms: a word in capitals ends in another one than its prefix does in the middle.
      .replaceAll('ς', 'σ')
      .normalize('NFC')
  );
}

/** The folded words of a text in order: runs of letters and digits. */
export function words(text: string): string[] {
  return (fold(text).match(/[\p{L}\p{N}]+/gu) ?? []).map(cut);
}

/** The first `limit` different folded words of the texts. */
export function distinctWords(texts: readonly string[], limit: number): string[] {
  const distinct = new Set<string>();
  for (const text of texts) {
    for (const word of words(text)) {
      distinct.add(word);
      if (distinct.size === limit) return [...distinct];
    }
  }
  return [...distinct];
}

const cut = (word: string): string =>
  word.length <= MAX_WORD_LENGTH ? word : [...word].slice(0, MAX_WORD_LENGTH).join('');
