// The embedded document server as a process of its own, so that what it costs is not counted to the application.
import { MongoServer } from '../../src/embedded/mongo/index.js';

const server = await MongoServer.open({ directory: process.argv[2]! });
console.log(`ready: ${server.uri}`);
process.on('disconnect', () => process.exit());
