import type { Doc } from './fault.js';
import { isDoc } from './values.js';

export type Predicate = (doc: Doc) => boolean;
export type CompileFilter = (filter: Doc) => Predicate;
export type Test = (value: unknown) => boolean;
/** Turns a test of one value into a test of what the condition is about. `whole`: do not look inside arrays. */
export type Scope<T> = (test: Test, whole: boolean) => (subject: T) => boolean;

export function every<T>(tests: readonly ((subject: T) => boolean)[]): (subject: T) => boolean {
  const [first, second] = tests;
  if (first === undefined) return () => true;
  if (second === undefined) return first;
  if (tests.length === 2) return (subject) => first(subject) && second(subject);
  return (subject) => {
    for (const test of tests) if (!test(subject)) return false;
    return true;
  };
}

/** `{$gt: 1}` is a condition, `{x: 1}` and `{}` are values; a reference (`$ref`, `$id`) is a value too. */
export function isOperatorDoc(value: unknown): value is Doc {
  if (!isDoc(value)) return false;
  const first = Object.keys(value)[0];
  return first !== undefined && first.startsWith('$') && first !== '$ref' && first !== '$id' && first !== '$db';
}
