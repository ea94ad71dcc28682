import { faults } from '../faults.js';
import { refuseOption } from './command.js';
import { type Doc, MongoFault } from '../language/index.js';

/** `code`, `codeName`, `errmsg` and what else a fault carries, for the reply or for an entry of `writeErrors`. */
export const faultFields = ({ code, codeName, message, extra }: MongoFault): Doc => ({
  code,
  codeName,
  errmsg: message,
  ...extra,
});

/**
 * Runs the statements of a bulk write. In order, the first failure ends it; otherwise each failure is noted.
 * @returns the `writeErrors` of the reply, nothing when there are none
 */
export function runStatements(count: number, ordered: boolean, run: (index: number) => void): Doc {
  const writeErrors: Doc[] = [];
  for (let index = 0; index < count; index++) {
    try {
      run(index);
    } catch (error) {
      if (!(error instanceof MongoFault)) throw error;
      const { codeName: _name, ...fields } = faultFields(error);
      writeErrors.push({ index, ...fields });
      if (ordered) break;
    }
  }
  return writeErrors.length > 0 ? { writeErrors } : {};
}

/** Statements in one command, as `hello` announces it. */
const MAX_STATEMENTS = 100_000;

/** @throws MongoFault 16 */
export function checkCount(count: number): void {
  if (count >= 1 && count <= MAX_STATEMENTS) return;
  throw faults.invalidLength(`Write batch sizes must be between 1 and ${MAX_STATEMENTS}. Got ${count} operations.`);
}

/** Before the first of them runs. @throws MongoFault for a field that the server does not know or does not obey */
export function checkStatements(
  owner: string,
  statements: readonly Doc[],
  fields: readonly string[],
  refused: readonly string[],
): void {
  checkCount(statements.length);
  for (const [field, value] of statements.flatMap((statement) => Object.entries(statement))) {
    if (fields.includes(field)) continue;
    if (!refused.includes(field)) throw faults.unknownField(owner, field);
    refuseOption(owner, field, value);
  }
}
