import { hashKey, valuesEqual, compareValues } from './compare.js';
import { type Doc, badValue, failedToParse, typeMismatch } from './fault.js';
import { compileFilter } from './filter.js';
import { toDouble } from './numbers.js';
import { isOperatorDoc } from './predicate.js';
import { isRegex } from './regex.js';
import { show } from './show.js';
import { compileSort } from './sort.js';
import type { Modifier } from './modifier.js';
import type { Edit } from './update-paths.js';
import { isDoc, isNumeric, own, typeName } from './values.js';

export const ARRAY_MODIFIERS: Readonly<Record<string, Modifier>> = {
  $push: { creates: true, edit: (operand, path) => push(operand, path) },
  $addToSet: { creates: true, edit: (operand, path) => addToSet(operand, path) },
  $pop: { creates: false, edit: (operand, path) => pop(operand, path) },
  $pull: { creates: false, edit: (operand) => remove('$pull', pullTest(operand)) },
  $pullAll: { creates: false, edit: (operand) => pullAll(operand) },
};

interface PushPlan {
  readonly values: readonly unknown[];
  readonly position: number;
  readonly slice: number | undefined;
  readonly compare: ((a: unknown, b: unknown) => number) | undefined;
}

function push(operand: unknown, path: string): Edit {
  const plan = pushPlan(operand);
  return (current, root) => {
    if (current !== undefined && !Array.isArray(current)) throw notArray(path, current, root);
    const before: readonly unknown[] = current ?? [];
    if (current !== undefined && plan.values.length === 0 && plan.compare === undefined && plan.slice === undefined) {
      return current;
    }
    const after = before.toSpliced(plan.position, 0, ...plan.values);
    if (plan.compare !== undefined) after.sort(plan.compare);
    return plan.slice === undefined ? after : plan.slice < 0 ? after.slice(plan.slice) : after.slice(0, plan.slice);
  };
}

function notArray(path: string, current: unknown, root: Doc): Error {
  const name = path.split('.').at(-1) ?? path;
  return badValue(
    `The field '${name}' must be an array but is of type ${typeName(current)} in document {_id: ${show(own(root, '_id'))}}`,
  );
}

function pushPlan(operand: unknown): PushPlan {
  if (!isDoc(operand) || !Object.hasOwn(operand, '$each')) {
    return { values: [operand], position: Infinity, slice: undefined, compare: undefined };
  }
  const { $each, $position, $slice, $sort, ...others } = operand;
  const unknown = Object.keys(others)[0];
  if (unknown !== undefined) throw badValue(`Unrecognized clause in $push: ${unknown}`);
  if (!Array.isArray($each)) {
    throw badValue(`The argument to $each in $push must be an array but it was of type: ${typeName($each)}`);
  }
  return {
    values: $each,
    position: $position === undefined ? Infinity : wholeNumber('$position', $position),
    slice: $slice === undefined ? undefined : wholeNumber('$slice', $slice),
    compare: $sort === undefined ? undefined : elementOrder($sort),
  };
}

function wholeNumber(clause: string, value: unknown): number {
  const plain = isNumeric(value) ? toDouble(value) : NaN;
  if (!Number.isInteger(plain)) {
    throw badValue(`The value for ${clause} must be an integer value but was given type: ${typeName(value)}`);
  }
  return plain;
}

function elementOrder(sort: unknown): (a: unknown, b: unknown) => number {
  if (isDoc(sort)) {
    const compare = compileSort(sort);
    return (a, b) => compare(isDoc(a) ? a : {}, isDoc(b) ? b : {});
  }
  const sign = isNumeric(sort) ? toDouble(sort) : 0;
  if (sign !== 1 && sign !== -1) throw badValue('The $sort element value must be either 1 or -1');
  return (a, b) => compareValues(a, b) * sign;
}

function addToSet(operand: unknown, path: string): Edit {
  const values = membersToAdd(operand);
  return (current) => {
    if (current !== undefined && !Array.isArray(current)) {
      throw badValue(
        `Cannot apply $addToSet to non-array field. Field named '${path.split('.').at(-1) ?? path}' has non-array type ${typeName(current)}`,
      );
    }
    const before: readonly unknown[] = current ?? [];
    const seen = new Set(before.map(hashKey));
    const added = values.filter((value) => seen.size !== seen.add(hashKey(value)).size);
    return current !== undefined && added.length === 0 ? current : [...before, ...added];
  };
}

function membersToAdd(operand: unknown): readonly unknown[] {
  if (!isDoc(operand) || Object.keys(operand)[0] !== '$each') return [operand];
  const { $each, ...others } = operand;
  if (!Array.isArray($each)) {
    throw typeMismatch(`The argument to $each in $addToSet must be an array but it was of type ${typeName($each)}`);
  }
  if (Object.keys(others).length > 0) {
    throw badValue(`Found unexpected fields after $each in $addToSet: ${show(operand)}`);
  }
  return $each;
}

function pop(operand: unknown, path: string): Edit {
  if (!isNumeric(operand)) throw failedToParse(`Expected a number in: ${path}: ${show(operand)}`);
  const side = toDouble(operand);
  if (side !== 1 && side !== -1) throw failedToParse(`$pop expects 1 or -1, found: ${show(operand)}`);
  return (current) => {
    if (current === undefined) return undefined;
    if (!Array.isArray(current)) {
      throw typeMismatch(`Path '${path}' contains an element of non-array type '${typeName(current)}'`);
    }
    if (current.length === 0) return current;
    return side === 1 ? current.slice(0, -1) : current.slice(1);
  };
}

function remove(operator: string, test: (element: unknown) => boolean): Edit {
  return (current) => {
    if (current === undefined) return undefined;
    if (!Array.isArray(current)) throw badValue(`Cannot apply ${operator} to a non-array value`);
    const rest = current.filter((element) => !test(element));
    return rest.length === current.length ? current : rest;
  };
}

/** Operators and patterns test each element; a document is a filter for documents; the rest is equality. */
function pullTest(operand: unknown): (element: unknown) => boolean {
  if (isOperatorDoc(operand) || isRegex(operand)) {
    const matches = compileFilter({ element: operand });
    return (element) => matches({ element });
  }
  if (!isDoc(operand)) return (element) => valuesEqual(element, operand);
  const matches = compileFilter(operand);
  return (element) => isDoc(element) && matches(element);
}

function pullAll(operand: unknown): Edit {
  if (!Array.isArray(operand)) {
    throw badValue(`$pullAll requires an array argument but was given a ${typeName(operand)}`);
  }
  const keys = new Set(operand.map(hashKey));
  return remove('$pullAll', (element) => keys.has(hashKey(element)));
}
