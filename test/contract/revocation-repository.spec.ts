import mongoose from 'mongoose';
import { randomBytes } from 'node:crypto';
import { RevocationRepository } from '../../src/core/security/revocation.repository.js';
import {
  REVOCATION_MODEL,
  revocationSchema,
  type RevocationDocument,
} from '../../src/core/security/revocation.schema.js';
import { MongoServer } from '../../src/embedded/mongo/index.js';
import { revocationStoreContract, type RevocationStoreFixture } from './revocation-store.contract.js';

/** On the embedded server in this thread, or on `MONGODB_URI`, in a database of its own. */
async function open(): Promise<RevocationStoreFixture> {
  const server = process.env['MONGODB_URI'] ? undefined : await MongoServer.open({});
  const address = new URL(server?.uri ?? process.env['MONGODB_URI']!);
  address.pathname = `/taskflow_test_${randomBytes(6).toString('hex')}`;
  const connections: mongoose.Connection[] = [];
  let nowMs = Date.now();
  const clock = { now: () => new Date(nowMs) };

  const connect = async (): Promise<RevocationRepository> => {
    const connection = await mongoose.createConnection(address.toString(), { autoIndex: false }).asPromise();
    connections.push(connection);
    const model = connection.model<RevocationDocument>(REVOCATION_MODEL, revocationSchema);
    await model.createIndexes();
    return new RevocationRepository(model, clock);
  };

  return {
    store: await connect(),
    reopen: connect,
    ...clock,
    later: (ms) => {
      nowMs += ms;
    },
    close: async () => {
      await connections[0]!.dropDatabase();
      await Promise.all(connections.map((connection) => connection.close()));
      await server?.close();
    },
  };
}

describe('the revocation store on MongoDB', () => {
  revocationStoreContract(open);
});
