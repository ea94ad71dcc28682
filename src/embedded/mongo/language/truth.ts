import { isNumeric } from './values.js';
import { toDouble } from './numbers.js';

/** What counts as true in expressions and projections: everything but false, null, missing and zero. */
export function truthy(value: unknown): boolean {
  if (value === undefined || value === null || value === false) return false;
  return isNumeric(value) ? toDouble(value) !== 0 : true;
}
