import { ObjectId } from 'bson';
import { compareNumbers } from './number-order.js';
import { toBigInt, toDouble } from './numbers.js';
import { compareSameRank, compareValues, hashKey, valuesEqual } from './compare.js';
import { type Doc, badValue } from './fault.js';
import { type CompileFilter, type Scope, type Test, every, isOperatorDoc } from './predicate.js';
import { isRegex, toRegExp } from './regex.js';
import { truthy } from './truth.js';
import { typeTest } from './type-test.js';
import { Rank, isDoc, isNumeric, rankOf } from './values.js';

type Condition<T> = (subject: T) => boolean;

/** The conditions of one field, all of which must hold. */
export function compileOperators<T>(operators: Doc, scope: Scope<T>, nested: CompileFilter): Condition<T> {
  return every(
    Object.entries(operators).flatMap(([name, operand]) => compileOperator(name, operand, operators, scope, nested)),
  );
}

function compileOperator<T>(
  name: string,
  operand: unknown,
  siblings: Doc,
  scope: Scope<T>,
  nested: CompileFilter,
): Condition<T>[] {
  switch (name) {
    case '$eq':
      return [scope(equalTo(operand), false)];
    case '$ne':
      if (isRegex(operand)) throw badValue("Can't have regex as arg to $ne.");
      return [not(scope(equalTo(operand), false))];
    case '$gt':
    case '$gte':
    case '$lt':
    case '$lte':
      if (isRegex(operand)) throw badValue(`Can't have RegEx as arg to predicate over field.`);
      return [scope(range(name, operand), false)];
    case '$in':
      return [scope(oneOf(name, operand), false)];
    case '$nin':
      return [not(scope(oneOf(name, operand), false))];
    case '$exists': {
      const exists = scope((value) => value !== undefined, true);
      return [truthy(operand) ? exists : not(exists)];
    }
    case '$not':
      return [not(negated(operand, scope, nested))];
    case '$comment':
      return [];
    default:
      return compileRareOperator(name, operand, siblings, scope, nested);
  }
}

function compileRareOperator<T>(
  name: string,
  operand: unknown,
  siblings: Doc,
  scope: Scope<T>,
  nested: CompileFilter,
): Condition<T>[] {
  switch (name) {
    case '$regex':
      return [scope(matchesRegex(toRegExp(operand, siblings['$options']), operand), false)];
    case '$options':
      if (!Object.hasOwn(siblings, '$regex')) throw badValue('$options needs a $regex');
      return [];
    case '$type':
      return [scope(typeTest(operand), false)];
    case '$all':
      return [all(operand, scope, nested)];
    case '$elemMatch':
      return [scope(elementMatch(operand, nested), true)];
    case '$size':
      return [scope(sizeTest(operand), true)];
    case '$mod':
      return [scope(modulo(operand), false)];
    default:
      throw badValue(`unknown operator: ${name}`);
  }
}

function not<T>(condition: Condition<T>): Condition<T> {
  return (subject) => !condition(subject);
}

function negated<T>(operand: unknown, scope: Scope<T>, nested: CompileFilter): Condition<T> {
  if (isRegex(operand)) return scope(matchesRegex(toRegExp(operand), operand), false);
  if (!isDoc(operand)) throw badValue('$not needs a regex or a document');
  if (Object.keys(operand).length === 0) throw badValue('$not cannot be empty');
  return compileOperators(operand, scope, nested);
}

export function equalTo(expected: unknown): Test {
  if (typeof expected === 'string' || typeof expected === 'boolean') return (value) => value === expected;
  if (expected === null || expected === undefined) return (value) => value === null || value === undefined;
  if (expected instanceof ObjectId) return (value) => value instanceof ObjectId && expected.equals(value);
  if (typeof expected === 'number' && !Number.isNaN(expected)) {
    return (value) => (typeof value === 'number' ? value === expected : valuesEqual(value, expected));
  }
  return (value) => valuesEqual(value, expected);
}

const ACCEPTS: Readonly<Record<string, (order: number) => boolean>> = {
  $gt: (order) => order > 0,
  $gte: (order) => order >= 0,
  $lt: (order) => order < 0,
  $lte: (order) => order <= 0,
};

/** Only values of the operand's own type compare, except with the two ends of the order. */
function range(name: string, operand: unknown): Test {
  const accepts = ACCEPTS[name] as (order: number) => boolean;
  const rank = rankOf(operand);
  if (rank === Rank.minKey || rank === Rank.maxKey) return (value) => accepts(compareValues(value, operand));
  if (rank === Rank.number && Number.isNaN(toDouble(operand as number))) {
    return accepts(0) ? equalTo(operand) : () => false;
  }
  if (typeof operand === 'number') return plainRange(operand, accepts);
  return (value) => rankOf(value) === rank && !isNaNValue(value) && accepts(compareSameRank(rank, value, operand));
}

function plainRange(operand: number, accepts: (order: number) => boolean): Test {
  return (value) => {
    if (typeof value === 'number') return !Number.isNaN(value) && accepts(value - operand || 0);
    return isNumeric(value) && !isNaNValue(value) && accepts(compareNumbers(value, operand));
  };
}

const isNaNValue = (value: unknown): boolean => isNumeric(value) && Number.isNaN(toDouble(value));

function oneOf(name: string, operand: unknown): Test {
  if (!Array.isArray(operand)) throw badValue(`${name} needs an array`);
  if (operand.some(isOperatorDoc)) throw badValue(`cannot nest $ under ${name}`);
  const patterns = operand.filter(isRegex).map((pattern) => matchesRegex(toRegExp(pattern), pattern));
  const values: unknown[] = operand.filter((value) => !isRegex(value));
  const member = values.length === 1 ? equalTo(values[0]) : membership(values);
  if (patterns.length === 0) return member;
  return (value) => member(value) || patterns.some((matches) => matches(value));
}

/** Strings, by far the most frequent, are looked up as they are; the rest by key, if their type occurs at all. */
function membership(values: readonly unknown[]): Test {
  const texts = new Set(values.filter((value) => typeof value === 'string'));
  const others = values.filter((value) => typeof value !== 'string');
  const ranks = new Set(others.map(rankOf));
  const keys = new Set(others.map(hashKey));
  return (value) => {
    if (typeof value === 'string') return texts.has(value);
    return ranks.has(rankOf(value)) && keys.has(hashKey(value));
  };
}

export function matchesRegex(expression: RegExp, original: unknown): Test {
  return (value) => {
    if (typeof value === 'string') return expression.test(value);
    return typeof value === 'object' && isRegex(value) && isRegex(original) && valuesEqual(value, original);
  };
}

function all<T>(operand: unknown, scope: Scope<T>, nested: CompileFilter): Condition<T> {
  if (!Array.isArray(operand)) throw badValue('$all needs an array');
  if (operand.length === 0) return () => false;
  return every(
    operand.map((member: unknown) => {
      if (isRegex(member)) return scope(matchesRegex(toRegExp(member), member), false);
      if (!isOperatorDoc(member)) return scope(equalTo(member), false);
      if (!Object.hasOwn(member, '$elemMatch')) throw badValue('no $ expressions in $all');
      return scope(elementMatch(member['$elemMatch'], nested), true);
    }),
  );
}

/** With operators it tests the elements themselves, otherwise it is a filter for the documents among them. */
export function elementMatch(operand: unknown, nested: CompileFilter): Test {
  if (!isDoc(operand)) throw badValue('$elemMatch needs an Object');
  const test = elementTest(operand, nested);
  return (value) => Array.isArray(value) && value.some(test);
}

const LOGICAL = new Set(['$and', '$or', '$nor', '$expr', '$comment']);

export function elementTest(operand: Doc, nested: CompileFilter): Test {
  const first = Object.keys(operand)[0];
  if (first !== undefined && isOperatorDoc(operand) && !LOGICAL.has(first)) {
    return compileOperators<unknown>(operand, (test) => test, nested);
  }
  const matches = nested(operand);
  return (element) => (Array.isArray(element) ? matches({ ...element }) : isDoc(element) && matches(element));
}

function sizeTest(operand: unknown): Test {
  const shown = `$size: ${typeof operand === 'string' ? `"${operand}"` : String(operand)}`;
  if (!isNumeric(operand)) throw badValue(`Failed to parse $size. Expected a number in: ${shown}`);
  const size = toDouble(operand);
  if (!Number.isInteger(size)) throw badValue(`Failed to parse $size. Expected an integer: ${shown}`);
  if (size < 0) throw badValue(`Failed to parse $size. Expected a non-negative number in: ${shown}`);
  return (value) => Array.isArray(value) && value.length === size;
}

function modulo(operand: unknown): Test {
  if (!Array.isArray(operand)) throw badValue('malformed mod, needs to be an array');
  if (operand.length < 2) throw badValue('malformed mod, not enough elements');
  if (operand.length > 2) throw badValue('malformed mod, too many elements');
  const divisor = wholePart(operand[0], 'divisor');
  const rest = wholePart(operand[1], 'remainder');
  if (divisor === 0n) throw badValue('divisor cannot be 0');
  return (value) => isNumeric(value) && Number.isFinite(toDouble(value)) && toBigInt(value) % divisor === rest;
}

function wholePart(value: unknown, role: string): bigint {
  if (!isNumeric(value) || !Number.isFinite(toDouble(value))) throw badValue(`malformed mod, ${role} not a number`);
  return toBigInt(value);
}
