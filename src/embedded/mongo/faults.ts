import { type Doc, MongoFault } from './language/index.js';

/** Errors that the server itself raises, with the codes of MongoDB's `error_codes.yml`. */
export const faults = {
  badValue: (message: string) => new MongoFault(2, 'BadValue', message),
  foreignCursor: (asked: string, actual: string) =>
    new MongoFault(
      13,
      'Unauthorized',
      `Requested getMore on namespace '${asked}', but cursor belongs to a different namespace ${actual}`,
    ),
  failedToParse: (message: string) => new MongoFault(9, 'FailedToParse', message),
  typeMismatch: (message: string) => new MongoFault(14, 'TypeMismatch', message),
  tooDeep: () => new MongoFault(15, 'Overflow', `BSON document exceeds the maximum nesting depth of ${MAX_DEPTH}`),
  invalidLength: (message: string) => new MongoFault(16, 'InvalidLength', message),
  noTransactions: () =>
    new MongoFault(20, 'IllegalOperation', 'Transaction numbers are only allowed on a replica set member or mongos'),
  invalidBson: (message: string) => new MongoFault(22, 'InvalidBSON', message),
  namespaceNotFound: (message: string) => new MongoFault(26, 'NamespaceNotFound', message),
  indexNotFound: (message: string) => new MongoFault(27, 'IndexNotFound', message),
  cursorNotFound: (id: bigint) => new MongoFault(43, 'CursorNotFound', `cursor id ${id} not found`),
  namespaceExists: (namespace: string) =>
    new MongoFault(48, 'NamespaceExists', `Collection ${namespace} already exists.`),
  timeExceeded: () => new MongoFault(50, 'MaxTimeMSExpired', 'operation exceeded time limit'),
  dollarInId: (name: string) =>
    new MongoFault(
      52,
      'DollarPrefixedFieldName',
      `_id fields may not contain '$'-prefixed fields: ${name} is not valid for storage.`,
    ),
  commandNotFound: (name: string) => new MongoFault(59, 'CommandNotFound', `no such command: '${name}'`),
  immutableId: () =>
    new MongoFault(
      66,
      'ImmutableField',
      "Performing an update on the path '_id' would modify the immutable field '_id'",
    ),
  cannotCreateIndex: (message: string) => new MongoFault(67, 'CannotCreateIndex', message),
  invalidOptions: (message: string) => new MongoFault(72, 'InvalidOptions', message),
  invalidNamespace: (name: string) => new MongoFault(73, 'InvalidNamespace', `Invalid namespace specified '${name}'`),
  indexOptionsConflict: (message: string) => new MongoFault(85, 'IndexOptionsConflict', message),
  indexKeySpecsConflict: (message: string) => new MongoFault(86, 'IndexKeySpecsConflict', message),
  needsReplicaSet: (level: string) =>
    new MongoFault(123, 'NotAReplicaSet', `node needs to be a replica set member to use read concern ${level}`),
  notSupported: (what: string) =>
    new MongoFault(115, 'CommandNotSupported', `the embedded server does not support ${what}`),
  planKilled: (message: string) => new MongoFault(175, 'QueryPlanKilled', message),
  noPlan: (message: string) =>
    new MongoFault(
      291,
      'NoQueryExecutionPlans',
      `error processing query: planner returned error :: caused by :: ${message}`,
    ),
  tooLarge: (size: number) =>
    new MongoFault(
      10334,
      'BSONObjectTooLarge',
      `BSONObj size: ${size} (0x${size.toString(16).toUpperCase()}) is invalid. Size must be between 0 and 16793600(16MB)`,
    ),
  duplicateKey: (message: string, extra: Doc) => new MongoFault(11000, 'DuplicateKey', message, extra),
  outOfDiskSpace: (message: string) => new MongoFault(14031, 'OutOfDiskSpace', message),
  diskFailed: (message: string) => new MongoFault(39, 'FileStreamFailed', message),
  noTextIndex: () => new MongoFault(27, 'IndexNotFound', 'text index required for $text query'),
  arrayBeforeText: (path: string) =>
    new MongoFault(16675, 'Location16675', `cannot have a multi-key as a prefix to a text index (field '${path}')`),
  languageNotSupported: (language: string) =>
    new MongoFault(17262, 'Location17262', `language override unsupported: ${language}`),
  noTextScore: () =>
    new MongoFault(40218, 'Location40218', 'query requires text score metadata, but it is not available'),
  unknownField: (command: string, field: string) =>
    new MongoFault(40415, 'Location40415', `BSON field '${command}.${field}' is an unknown field.`),
  missingField: (field: string) =>
    new MongoFault(40414, 'Location40414', `BSON field '${field}' is missing but a required field`),
} as const;

/** Levels of documents and arrays inside each other that the server accepts; MongoDB takes 180. */
export const MAX_DEPTH = 100;
