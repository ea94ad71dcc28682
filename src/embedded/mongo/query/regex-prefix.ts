/**
 * The text with which every string begins that a pattern matches: `^urg` has `urg`, `^a.c` has `a`, `urg` none.
 * Only for patterns without flags that change what `^` or a letter means.
 */
export function regexPrefix(pattern: string, flags: string): string {
  if (!pattern.startsWith('^') || /[imx]/.test(flags) || hasAlternatives(pattern)) return '';
  const literals: string[] = [];
  for (let at = 1; at < pattern.length;) {
    const [literal, next] = literalAt(pattern, at);
    // A quantifier that allows none takes back what stands before it; others end the text behind it.
    if (literal === undefined) {
      if (/[*?{]/.test(pattern[at] as string)) literals.pop();
      break;
    }
    literals.push(literal);
    at = next;
  }
  return literals.join('');
}

/** Also true for a bar inside a class or a group, where the prefix would be right: it is only not used then. */
const hasAlternatives = (pattern: string): boolean => pattern.replaceAll(/\\./gsu, '').includes('|');

function literalAt(pattern: string, at: number): [literal: string | undefined, next: number] {
  const character = String.fromCodePoint(pattern.codePointAt(at) as number);
  if (character !== '\\') return [/[$()*+.?[\]{|}]/.test(character) ? undefined : character, at + character.length];
  const escaped = pattern[at + 1];
  // An escaped letter or digit is a class or a reference; an escaped sign is itself.
  return escaped !== undefined && /[!-/:-@[-`{-~ ]/.test(escaped) ? [escaped, at + 2] : [undefined, at];
}
