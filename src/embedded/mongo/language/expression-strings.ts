import { type Forms, isNullish, named, operator } from './expression.js';
import { compareStrings } from './compare.js';
import { located } from './fault.js';
import { toDouble } from './numbers.js';
import { toRegExp } from './regex.js';
import { plainText } from './expression-conversions.js';
import { isNumeric, typeName } from './values.js';

const ONE = [1, 1] as const;
const TWO = [2, 2] as const;

export const STRINGS: Forms = {
  $concat: operator('$concat', [0, Infinity], (args) => {
    if (args.some(isNullish)) return null;
    return args.map((text) => textOr('$concat only supports strings, not', text, 16702)).join('');
  }),
  // MongoDB changes the case of ASCII letters only.
  $toLower: operator('$toLower', ONE, ([value]) =>
    plainText(value).replaceAll(/[A-Z]+/g, (text) => text.toLowerCase()),
  ),
  $toUpper: operator('$toUpper', ONE, ([value]) =>
    plainText(value).replaceAll(/[a-z]+/g, (text) => text.toUpperCase()),
  ),
  $strLenCP: operator(
    '$strLenCP',
    ONE,
    ([value]) => [...textOr('$strLenCP requires a string argument, found:', value, 34471)].length,
  ),
  $strLenBytes: operator('$strLenBytes', ONE, ([value]) =>
    Buffer.byteLength(textOr('$strLenBytes requires a string argument, found:', value, 34473)),
  ),
  $substrCP: operator('$substrCP', [3, 3], ([value, start, count]) => {
    if (!isNumeric(start))
      throw located(34450, `$substrCP: starting index must be a numeric type (is BSON type ${typeName(start)})`);
    if (!isNumeric(count))
      throw located(34452, `$substrCP: length must be a numeric type (is BSON type ${typeName(count)})`);
    const [from, length] = [toDouble(start), toDouble(count)];
    if (from < 0) throw located(34455, '$substrCP: the starting index must be nonnegative integer.');
    if (length < 0) throw located(34454, '$substrCP: length must be a nonnegative integer.');
    return [...plainText(value)].slice(from, from + length).join('');
  }),
  $split: operator('$split', TWO, ([value, separator]) => {
    if (isNullish(value) || isNullish(separator)) return null;
    const text = textOr(
      '$split requires an expression that evaluates to a string as a first argument, found:',
      value,
      40085,
    );
    const by = textOr(
      '$split requires an expression that evaluates to a string as a second argument, found:',
      separator,
      40086,
    );
    if (by === '') throw located(40087, '$split requires a non-empty separator');
    return text.split(by);
  }),
  $strcasecmp: operator('$strcasecmp', TWO, ([a, b]) => {
    const [x, y] = [a, b].map((value) => plainText(value).replaceAll(/[a-z]+/g, (text) => text.toUpperCase()));
    return Math.sign(compareStrings(x as string, y as string));
  }),
  $trim: (operand, compile) => {
    const parts = named('$trim', operand, ['input'], ['chars']);
    const [input, chars] = [compile(parts['input']), compile(parts['chars'] ?? null)];
    return (scope) => {
      const text = input(scope);
      if (isNullish(text)) return null;
      const drop = chars(scope);
      return trim(
        textOr('$trim requires its input to be a string, got', text, 50699),
        typeof drop === 'string' ? drop : undefined,
      );
    };
  },
  $regexMatch: (operand, compile) => {
    const parts = named('$regexMatch', operand, ['input', 'regex'], ['options']);
    const pattern = toRegExp(parts['regex'], parts['options']);
    const input = compile(parts['input']);
    return (scope) => {
      const text = input(scope);
      return (
        !isNullish(text) && pattern.test(textOr("$regexMatch needs 'input' to be of type string, found:", text, 51104))
      );
    };
  },
};

function textOr(complaint: string, value: unknown, code: number): string {
  if (typeof value !== 'string') throw located(code, `${complaint} ${typeName(value)}`);
  return value;
}

function trim(text: string, drop: string | undefined): string {
  const points = [...text];
  const goes =
    drop === undefined
      ? (point: string): boolean => /[\s\0]/u.test(point)
      : (point: string): boolean => drop.includes(point);
  const from = points.findIndex((point) => !goes(point));
  return from < 0 ? '' : points.slice(from, points.findLastIndex((point) => !goes(point)) + 1).join('');
}
