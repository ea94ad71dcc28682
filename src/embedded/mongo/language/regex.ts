import { BSONRegExp } from 'bson';
import { MongoFault, badValue } from './fault.js';

export const isRegex = (value: unknown): value is RegExp | BSONRegExp =>
  value instanceof RegExp || value instanceof BSONRegExp;

export const invalidRegex = (reason: string): MongoFault =>
  new MongoFault(51091, 'Location51091', `Regular expression is invalid: ${reason}`);

/** MongoDB's pattern and options (`i m s x`) as a JavaScript expression. Other options are a fault. */
export function toRegExp(pattern: unknown, options?: unknown): RegExp {
  if (pattern instanceof BSONRegExp) return build(pattern.pattern, optionsOf(options ?? pattern.options));
  if (pattern instanceof RegExp) {
    return build(pattern.source, optionsOf(options ?? pattern.flags.replaceAll(/[^ims]/g, '')));
  }
  if (typeof pattern !== 'string') throw badValue('$regex has to be a string');
  return build(pattern, optionsOf(options ?? ''));
}

function optionsOf(options: unknown): string {
  if (typeof options !== 'string') throw badValue('$options has to be a string');
  const wrong = /[^imsxu]/.exec(options);
  if (wrong !== null) {
    throw new MongoFault(51108, 'Location51108', `invalid flag in regex options: ${wrong[0]}`);
  }
  return options;
}

function build(pattern: string, options: string): RegExp {
  const inline = /^\(\?([imsx]+)\)/.exec(pattern);
  const flags = new Set(options + (inline?.[1] ?? ''));
  let source = inline === null ? pattern : pattern.slice(inline[0].length);
  if (source.includes('\0')) throw invalidRegex('it contains a null byte');
  if (flags.has('x')) source = withoutLayout(source);
  const letters = ['i', 'm', 's'].filter((letter) => flags.has(letter)).join('');
  return compiled(source, letters);
}

/** Code points first; the unicode mode refuses harmless escapes such as `\-`, so fall back to code units. */
function compiled(source: string, flags: string): RegExp {
  try {
    return new RegExp(source, `${flags}u`);
  } catch {
    try {
      return new RegExp(source, flags);
    } catch (error) {
      throw invalidRegex(error instanceof Error ? error.message : String(error));
    }
  }
}

/** The `x` option: blanks and comments outside character classes do not count. */
function withoutLayout(source: string): string {
  return source.replaceAll(/\\[^]|\[(?:\\[^]|[^\]\\])*\]|\s+|#[^\n]*/g, (token) =>
    token.startsWith('\\') || token.startsWith('[') ? token : '',
  );
}
