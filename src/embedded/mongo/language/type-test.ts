import { badValue } from './fault.js';
import type { Test } from './predicate.js';
import { toDouble } from './numbers.js';
import { isNumeric, typeName } from './values.js';

/** The numbers that BSON gives its types, with the name under which `typeName` knows them. */
const BY_NUMBER: Readonly<Record<number, string>> = {
  [-1]: 'minKey',
  1: 'double',
  2: 'string',
  3: 'object',
  4: 'array',
  5: 'binData',
  6: 'undefined',
  7: 'objectId',
  8: 'bool',
  9: 'date',
  10: 'null',
  11: 'regex',
  12: 'dbPointer',
  13: 'javascript',
  14: 'symbol',
  15: 'javascriptWithScope',
  16: 'int',
  17: 'timestamp',
  18: 'long',
  19: 'decimal',
  127: 'maxKey',
};
const NAMES: ReadonlySet<string> = new Set(Object.values(BY_NUMBER));
const NUMBERS: readonly string[] = ['int', 'long', 'double', 'decimal'];

/** `$type`: a name, a number, `number`, or a list of these. */
export function typeTest(operand: unknown): Test {
  const wanted: readonly unknown[] = Array.isArray(operand) ? operand : [operand];
  if (wanted.length === 0) throw badValue('a must match at least one type');
  const names = new Set(wanted.flatMap(namesOf));
  return (value) => value !== undefined && names.has(typeName(value));
}

function namesOf(type: unknown): readonly string[] {
  if (type === 'number') return NUMBERS;
  if (typeof type === 'string') {
    if (!NAMES.has(type)) throw badValue(`Unknown type name alias: ${type}`);
    return [type];
  }
  if (!isNumeric(type)) throw badValue('type must be represented as a number or a string');
  const name = BY_NUMBER[toDouble(type)];
  if (name === undefined) throw badValue(`Invalid numerical type code: ${String(type)}`);
  return [name];
}
