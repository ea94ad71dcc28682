import type { ConnectOptions } from 'mongoose';
import type { AppConfig } from '../../config/config.js';

/** Nothing is buffered and everything has an end: a database that is away costs an answer, never a hanging request. */
export function connectOptions({ mongo, tracing }: Pick<AppConfig, 'mongo' | 'tracing'>): ConnectOptions {
  return {
    autoCreate: false,
    autoIndex: false,
    bufferCommands: false,
    maxPoolSize: mongo.maxPoolSize,
    serverSelectionTimeoutMS: mongo.serverSelectionTimeoutMs,
    connectTimeoutMS: mongo.serverSelectionTimeoutMs,
    waitQueueTimeoutMS: mongo.serverSelectionTimeoutMs,
    socketTimeoutMS: mongo.socketTimeoutMs,
    monitorCommands: tracing !== undefined,
    // A stale account, session or revocation would let somebody in. A query that bears it says so itself.
    readPreference: 'primary',
  };
}
