import mongoose from 'mongoose';
import { StoreUnavailable } from '../errors/core.errors.js';
import type { DomainError, ErrorDefinition } from '../errors/domain-error.js';

const { mongo } = mongoose;

/**
 * Server errors that say "not now" rather than "wrong": time limits, lost primaries, shutdown, a full disk.
 * Numbers from MongoDB's list of error codes.
 */
const TRANSIENT_CODES = new Set([
  6, 7, 39, 50, 89, 91, 112, 189, 262, 9001, 10058, 10107, 11600, 11602, 13435, 13436, 14031,
]);

/** The store failed and the request may be repeated later; undefined when the error says something else. */
export function storeFailure(thrown: unknown): (DomainError & ErrorDefinition) | undefined {
  const lost =
    thrown instanceof mongo.MongoNetworkError ||
    thrown instanceof mongo.MongoServerSelectionError ||
    thrown instanceof mongo.MongoOperationTimeoutError ||
    thrown instanceof mongo.MongoNotConnectedError ||
    thrown instanceof mongo.MongoTopologyClosedError ||
    thrown instanceof mongo.MongoClientClosedError ||
    thrown instanceof mongo.MongoExpiredSessionError ||
    thrown instanceof mongo.MongoWriteConcernError ||
    // The driver does not export this class.
    (thrown instanceof Error && thrown.name === 'MongoWaitQueueTimeoutError') ||
    (thrown instanceof mongo.MongoServerError && TRANSIENT_CODES.has(Number(thrown.code))) ||
    // Mongoose without a connection and without buffering throws an error of its own.
    (thrown instanceof mongoose.Error &&
      /before initial connection|bufferCommands|buffering timed out/.test(thrown.message)) ||
    thrown instanceof mongoose.Error.MongooseServerSelectionError;
  return lost ? new StoreUnavailable() : undefined;
}

/** The server gave this write up for another one at the same time (WriteConflict, a deadlock); nothing was written. */
export function writeConflict(thrown: unknown): boolean {
  return thrown instanceof mongo.MongoServerError && thrown.code === 112;
}

/** A unique index refused the write (E11000); `keys` are the fields of that index. */
export function duplicateKey(thrown: unknown): { readonly keys: readonly string[] } | undefined {
  if (!(thrown instanceof mongo.MongoServerError) || thrown.code !== 11_000) return undefined;
  return { keys: Object.keys((thrown.keyPattern as object | undefined) ?? {}) };
}
