import { MongoServer } from '../../src/embedded/mongo/index.js';
import { mongoContract } from './mongo.contract.js';

const uri = process.env.MONGODB_URI;

describe(uri ? 'the server at MONGODB_URI' : 'the embedded server', () => {
  mongoContract(async () => (uri ? { uri, close: async () => {} } : MongoServer.open({})));
});
