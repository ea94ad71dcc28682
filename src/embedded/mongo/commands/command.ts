import { isDocument } from '../documents.js';
import { faults } from '../faults.js';
import type { Doc } from '../language/index.js';
import type { Engine } from '../engine.js';
import { Deadline } from '../query/deadline.js';
import type { Collection } from '../store/collection.js';
import type { Connection } from '../wire/connection.js';
import type { Message } from '../wire/message.js';

export interface Command {
  readonly name: string;
  readonly aliases?: readonly string[];
  /** Fields of the body that the command obeys, besides its own name. */
  readonly fields: readonly string[];
  /** Fields that MongoDB knows and this server refuses unless their value changes nothing. */
  readonly refused?: readonly string[];
  /** A document, or its bytes. */
  run(call: Call): Doc | Buffer | Promise<Doc | Buffer>;
}

/** Understood for every command; the session and transaction fields are judged by `refuseTransactions`. */
const COMMON = new Set([
  '$db',
  '$readPreference',
  '$clusterTime',
  'lsid',
  'txnNumber',
  'autocommit',
  'startTransaction',
  'comment',
  'readConcern',
  'writeConcern',
  'maxTimeMS',
  'apiVersion',
  'apiStrict',
  'apiDeprecationErrors',
]);

const DATABASE_NAME = /^[^/\\. "$\0]{1,63}$/;

/** One run of a command: its arguments, checked as they are read. */
export class Call {
  readonly database: string;
  readonly deadline: Deadline;
  /** The answer may only tell what no crash can take back. */
  readonly waitsForSafety: boolean;

  constructor(
    readonly engine: Engine,
    readonly command: Command,
    readonly body: Doc,
    readonly message: Message,
    readonly connection: Connection,
  ) {
    this.database = this.string('$db', 'test');
    if (!DATABASE_NAME.test(this.database)) throw faults.invalidNamespace(this.database);
    this.deadline = new Deadline(this.count('maxTimeMS', 0));
    refuseTransactions(body);
    checkWriteConcern(this.document('writeConcern'));
    this.waitsForSafety = isMajority(this.document('readConcern'));
    this.checkFields();
  }

  /** The collection's name, which most commands carry under their own. */
  get target(): string {
    const [first] = Object.values(this.body);
    if (typeof first !== 'string') throw faults.invalidNamespace(`${this.database}.${String(first)}`);
    if (first === '') throw faults.invalidNamespace(`${this.database}.`);
    return first;
  }

  get namespace(): string {
    return `${this.database}.${this.target}`;
  }

  get collection(): Collection | undefined {
    return this.engine.catalog.find(this.database, this.target);
  }

  document(field: string): Doc | undefined {
    const value = this.body[field];
    if (value === undefined || value === null) return undefined;
    if (!isDocument(value)) throw this.wrongType(field, 'object');
    return value;
  }

  documents(field: string): Doc[] {
    const value = this.body[field];
    if (value === undefined) throw faults.missingField(`${this.command.name}.${field}`);
    if (!Array.isArray(value) || !value.every(isDocument)) throw this.wrongType(field, 'array of objects');
    return value;
  }

  string(field: string, absent: string): string {
    const value = this.body[field] ?? absent;
    if (typeof value !== 'string') throw this.wrongType(field, 'string');
    return value;
  }

  boolean(field: string, absent: boolean): boolean {
    const value = this.body[field] ?? absent;
    if (typeof value === 'boolean') return value;
    if (typeof value === 'number') return value !== 0;
    throw this.wrongType(field, 'bool');
  }

  /** A whole number that is not negative. */
  count(field: string, absent: number): number {
    const value = numberOf(this.body[field] ?? absent);
    if (value === undefined) throw this.wrongType(field, 'number');
    if (!Number.isSafeInteger(value) || value < 0) {
      throw faults.badValue(`BSON field '${this.command.name}.${field}' value must be >= 0, actual value '${value}'`);
    }
    return value;
  }

  wrongType(field: string, expected: string): Error {
    return faults.typeMismatch(
      `BSON field '${this.command.name}.${field}' is the wrong type, expected type '${expected}'`,
    );
  }

  private checkFields(): void {
    const { name, fields, refused = [] } = this.command;
    for (const [field, value] of Object.entries(this.body).slice(1)) {
      if (COMMON.has(field) || fields.includes(field)) continue;
      if (!refused.includes(field)) throw faults.unknownField(name, field);
      refuseOption(name, field, value);
    }
  }
}

/** @throws MongoFault 115 unless the value asks for nothing */
export function refuseOption(owner: string, field: string, value: unknown): void {
  if (value === undefined || value === null || value === false) return;
  if (isDocument(value) && Object.keys(value).length === 0) return;
  if (field === 'collation' && isDocument(value) && value['locale'] === 'simple') return;
  throw faults.notSupported(`the option '${field}' of ${owner}`);
}

/** Every write waits for the disk, so all concerns that one server can satisfy are the same. */
function checkWriteConcern(concern: Doc | undefined): void {
  const w = concern?.['w'] ?? 1;
  if (w === 'majority' || w === 0 || w === 1) return;
  throw faults.badValue("cannot use 'w' > 1 when a host is not replicated");
}

function isMajority(concern: Doc | undefined): boolean {
  const level = concern?.['level'] ?? 'local';
  if (level === 'majority') return true;
  if (level === 'local' || level === 'available') return false;
  throw faults.needsReplicaSet(JSON.stringify(level));
}

function refuseTransactions(body: Doc): void {
  const asks =
    body['txnNumber'] !== undefined || body['startTransaction'] !== undefined || body['autocommit'] === false;
  if (asks) throw faults.noTransactions();
}

/** A number of any BSON type that a plain number can hold, else `undefined`. */
export function numberOf(value: unknown): number | undefined {
  if (typeof value === 'number') return value;
  const tag = (value as Doc | null | undefined)?.['_bsontype'];
  return tag === 'Long' || tag === 'Double' || tag === 'Int32' ? Number(value) : undefined;
}
