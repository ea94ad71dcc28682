export type Doc = Record<string, unknown>;

/** An error as MongoDB answers it: the wire layer copies `code`, `codeName`, `message` and `extra` into the reply. */
export class MongoFault extends Error {
  constructor(
    readonly code: number,
    readonly codeName: string,
    message: string,
    readonly extra?: Doc,
  ) {
    super(message);
    this.name = 'MongoFault';
  }
}

export const badValue = (message: string): MongoFault => new MongoFault(2, 'BadValue', message);
export const failedToParse = (message: string): MongoFault => new MongoFault(9, 'FailedToParse', message);
export const typeMismatch = (message: string): MongoFault => new MongoFault(14, 'TypeMismatch', message);

/** MongoDB names most aggregation errors by number only: `codeName` is then `Location<code>`. */
export const located = (code: number, message: string): MongoFault =>
  new MongoFault(code, `Location${String(code)}`, message);
