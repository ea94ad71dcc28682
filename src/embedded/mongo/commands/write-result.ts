import { faults } from '../faults.js';
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
export function checkStatements(count: number): void {
  if (count >= 1 && count <= MAX_STATEMENTS) return;
  throw faults.invalidLength(`Write batch sizes must be between 1 and ${MAX_STATEMENTS}. Got ${count} operations.`);
}
