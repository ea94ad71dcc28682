export { MongoServer, type MongoServerOptions } from './server.js';
