import mongoose from 'mongoose';
import { SessionRepository } from '../../src/modules/auth/session.repository.js';
import { SESSION_MODEL, sessionSchema, type SessionDocument } from '../../src/modules/auth/session.schema.js';
import { startTestDatabase } from '../support/app.js';
import { sessionStoreContract, type SessionStoreFixture } from './session-store.contract.js';

/** On the embedded server in this thread, or on `MONGODB_URI`, in a database of its own. */
async function open(): Promise<SessionStoreFixture & { model: mongoose.Model<SessionDocument> }> {
  const database = await startTestDatabase();
  const connections: mongoose.Connection[] = [];
  const connect = async (): Promise<mongoose.Model<SessionDocument>> => {
    const connection = await mongoose.createConnection(database.uri, { autoIndex: false }).asPromise();
    connections.push(connection);
    const model = connection.model<SessionDocument>(SESSION_MODEL, sessionSchema);
    await model.createIndexes();
    return model;
  };
  const model = await connect();
  return {
    model,
    store: new SessionRepository(model),
    reopen: async () => new SessionRepository(await connect()),
    close: async () => {
      await Promise.all(connections.map((connection) => connection.close()));
      await database.close();
    },
  };
}

describe('the session store on MongoDB', () => {
  let fixture: Awaited<ReturnType<typeof open>>;
  sessionStoreContract(async () => (fixture = await open()));

  it('keeps a sealed successor no longer than it may be asked for', async () => {
    const { model } = fixture;
    const store = new SessionRepository(model);
    const at = new Date();
    const presented = { userId: '0123456789abcdef01234567', sessionId: 'a', familyHash: 'f', secretHash: 's' };
    const device = { ip: '192.0.2.1', userAgent: 'test' };
    await store.create({ id: 'a', userId: presented.userId, createdAt: at, lastUsedAt: at, ...device }, presented);
    await store.rotate({ presented, successorHash: 'n', sealedSuccessor: 'sealed', at, ...device });
    await store.forgetSuccessors(new Date(at.getTime() + 9999));
    expect(await model.findById('a').lean()).toMatchObject({ sealedSuccessor: 'sealed' });
    await store.forgetSuccessors(new Date(at.getTime() + 10_000));
    const kept = await model.findById('a').lean();
    expect(kept).not.toHaveProperty('sealedSuccessor');
    expect(kept).not.toHaveProperty('sealedUntil');
    expect(kept).toMatchObject({ secretHash: 'n', parentHash: 's' });
  });
});
