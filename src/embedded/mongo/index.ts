export type { CounterSnapshot } from './counters.js';
export { DirectoryLocked } from './journal/directory-lock.js';
export { MongoServer, type MongoServerOptions } from './server.js';
export { CannotOpen, type MongoWorker, type MongoWorkerOptions, startMongoWorker } from './worker-host.js';
