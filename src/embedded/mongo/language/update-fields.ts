import { Decimal128, Long, Timestamp } from 'bson';
import { compareValues } from './compare.js';
import { type Doc, badValue, typeMismatch } from './fault.js';
import { identical } from './identical.js';
import { arithmetic } from './arithmetic.js';
import { double, numberType } from './numbers.js';
import { show, showField } from './show.js';
import type { Modifier } from './modifier.js';
import type { Edit } from './update-paths.js';
import { type Numeric, isDoc, isNumeric, own, typeName } from './values.js';

const replaceWith =
  (value: unknown): Edit =>
  (current) =>
    identical(current, value) ? current : value;

const set: Modifier = { creates: true, edit: (operand) => replaceWith(operand) };

export const FIELD_MODIFIERS: Readonly<Record<string, Modifier>> = {
  $set: set,
  $setOnInsert: set,
  $unset: { creates: false, edit: () => () => undefined },
  $inc: { creates: true, edit: (operand, path) => calculate('$inc', 'add', 'increment', operand, path) },
  $mul: { creates: true, edit: (operand, path) => calculate('$mul', 'multiply', 'multiply', operand, path) },
  $min: { creates: true, edit: (operand) => (current) => better(current, operand, -1) },
  $max: { creates: true, edit: (operand) => (current) => better(current, operand, 1) },
  $currentDate: { creates: true, edit: (operand, _path, { now }) => replaceWith(currentDate(operand, now)) },
};

function better(current: unknown, candidate: unknown, sign: number): unknown {
  return current === undefined || compareValues(candidate, current) * sign > 0 ? candidate : current;
}

function calculate(
  operator: string,
  operation: 'add' | 'multiply',
  verb: string,
  operand: unknown,
  path: string,
): Edit {
  if (!isNumeric(operand)) {
    throw typeMismatch(`Cannot ${verb} with non-numeric argument: ${showField(path, operand)}`);
  }
  return (current, root) => {
    if (current === undefined) return operation === 'add' ? operand : zeroLike(operand);
    if (!isNumeric(current)) throw notNumeric(operator, path, current, root);
    const result = arithmetic(operation, current, operand);
    if (isWhole(current) && isWhole(operand) && !isWhole(result)) {
      throw badValue(
        `Failed to apply ${operator} operations to current value (${String(current)}) for document {_id: ${show(own(root, '_id'))}}`,
      );
    }
    return replaceWith(result)(current, root);
  };
}

const isWhole = (value: Numeric): boolean => ['int', 'long'].includes(numberType(value));

function notNumeric(operator: string, path: string, current: unknown, root: Doc): Error {
  const field = path.split('.').at(-1) ?? path;
  return typeMismatch(
    `Cannot apply ${operator} to a value of non-numeric type. {_id: ${show(own(root, '_id'))}} has the field '${field}' of non-numeric type ${typeName(current)}`,
  );
}

function zeroLike(operand: Numeric): Numeric {
  switch (numberType(operand)) {
    case 'int':
      return 0;
    case 'long':
      return Long.ZERO;
    case 'double':
      return double(0);
    default:
      return Decimal128.fromString('0');
  }
}

function currentDate(operand: unknown, now: Date): unknown {
  if (typeof operand === 'boolean') return new Date(now);
  if (!isDoc(operand)) {
    throw badValue(
      `${typeName(operand)} is not valid type for $currentDate. Please use a boolean ('true') or a $type expression ({$type: 'timestamp/date'}).`,
    );
  }
  for (const name of Object.keys(operand)) {
    if (name !== '$type') throw badValue(`Unrecognized $currentDate option: ${name}`);
  }
  const type = operand['$type'];
  if (type === 'date') return new Date(now);
  if (type === 'timestamp') return new Timestamp({ t: Math.floor(now.getTime() / 1000), i: 1 });
  throw badValue(
    "The '$type' string field is required to be 'date' or 'timestamp': {$currentDate: {field : {$type: 'date'}}}",
  );
}
