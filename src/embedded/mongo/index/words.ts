const SEPARATORS = /[\p{White_Space}\p{Pattern_Syntax}\p{Dash}\p{Quotation_Mark}\p{Terminal_Punctuation}\p{Cc}]+/u;

/** Without case and accents, as a text index of version 3 compares. */
export const fold = (text: string): string =>
  text
    .normalize('NFD')
    .replaceAll(/\p{Diacritic}/gu, '')
    .toLowerCase();

/** Words in the order of the text, folded; no stems and no stop words (`default_language: 'none'`). */
export function wordsOf(text: string): string[] {
  return text.split(SEPARATORS).flatMap((word) => {
    const folded = fold(word);
    return folded === '' ? [] : [folded];
  });
}

/**
 * What each word of a text adds to the score of its document, by the formula of MongoDB's text index: a word that
 * is repeated counts half as much each time, a word that is a larger part of the text counts more, and one
 * that is the whole text a tenth more still.
 */
export function addScores(text: string, weight: number, scores: Map<string, number>): void {
  const words = wordsOf(text);
  const counts = new Map<string, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  const whole = counts.size === 1 ? text.toLowerCase() : undefined;
  for (const [word, count] of counts) {
    const frequency = 2 - 2 ** (1 - count);
    const share = 0.5 + (0.5 * count) / words.length;
    const boost = whole === word ? 1.1 : 1;
    scores.set(word, (scores.get(word) ?? 0) + weight * frequency * share * boost);
  }
}
