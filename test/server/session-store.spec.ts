import { Logger } from '@nestjs/common';
import { Redis } from 'ioredis';
import mongoose from 'mongoose';
import { randomBytes, randomUUID } from 'node:crypto';
import { loadConfig } from '../../src/config/config.js';
import { RequestRedis } from '../../src/core/redis/request-redis.js';
import { RedisUnavailable } from '../../src/core/redis/redis.errors.js';
import { RedisSessionStore } from '../../src/modules/auth/redis-session.store.js';
import { SessionLedger } from '../../src/modules/auth/session-ledger.repository.js';
import {
  SESSION_LEDGER_MODEL,
  sessionLedgerSchema,
  type SessionLedgerDocument,
} from '../../src/modules/auth/session-ledger.schema.js';
import type { Exchange, Proof, Session } from '../../src/modules/auth/session.store.js';
import { sessionStoreContract, type SessionStoreFixture } from '../contract/session-store.contract.js';
import { startTestDatabase } from '../support/app.js';
import { eventually } from '../support/eventually.js';
import { startRedis, startRedisCluster, type RedisProcess } from '../support/redis-server.js';

// The tests take Redis away on purpose.
beforeAll(() => Logger.overrideLogger(false));

interface Fixture extends SessionStoreFixture {
  readonly store: RedisSessionStore;
  readonly redis: RequestRedis;
}

/** Stores on this Redis, with their ledger in a database of its own. */
async function open(environment: Record<string, string>): Promise<Fixture> {
  const database = await startTestDatabase();
  const opened: { close(): unknown }[] = [];
  const connect = async (): Promise<Pick<Fixture, 'store' | 'redis'>> => {
    const connection = await mongoose.createConnection(database.uri, { autoIndex: false }).asPromise();
    const ledger = connection.model<SessionLedgerDocument>(SESSION_LEDGER_MODEL, sessionLedgerSchema);
    const redis = new RequestRedis(loadConfig({ NODE_ENV: 'test', ...environment }));
    opened.push({ close: () => connection.close() }, { close: () => redis.onApplicationShutdown() });
    await redis.onModuleInit();
    return { redis, store: new RedisSessionStore(redis, new SessionLedger(ledger, { now: () => new Date() })) };
  };
  return {
    ...(await connect()),
    reopen: async () => (await connect()).store,
    close: async () => {
      await Promise.all(opened.map((each) => each.close()));
      await database.close();
    },
  };
}

describe('the session store on Redis', () => {
  let server: RedisProcess;
  let fixture: Fixture;
  let client: Redis;
  beforeAll(async () => {
    server = await startRedis({ settings: { appendonly: 'yes', appendfsync: 'always' } });
    client = new Redis(server.url);
  });
  afterAll(async () => {
    client.disconnect();
    await server.stop();
  });

  sessionStoreContract(async () => (fixture = await open({ REDIS_URL: server.url })));

  const device = { ip: '192.0.2.1', userAgent: 'test' };
  const begin = new Date();
  const after = (ms: number): Date => new Date(begin.getTime() + ms);

  const begun = async (): Promise<{ session: Session; proof: Proof }> => {
    const userId = randomBytes(12).toString('hex');
    const session = { id: randomUUID(), userId, createdAt: begin, lastUsedAt: begin, ...device };
    const proof = { userId, sessionId: session.id, familyHash: randomUUID(), secretHash: randomUUID() };
    await fixture.store.create(session, proof);
    return { session, proof };
  };
  const exchange = (presented: Proof, at = after(1), more: Partial<Exchange> = {}): Exchange => {
    const successorHash = randomUUID();
    return { presented, successorHash, sealedSuccessor: `sealed ${successorHash}`, at, ...device, ...more };
  };
  const keysOf = (userId: string): Promise<string[]> => client.keys(`tf:{${userId}}:*`);
  /** The server is stopped while `work` is under way, and does what reached it when it goes on. */
  const whileFrozen = async (work: () => Promise<void>): Promise<void> => {
    await server.kill('SIGSTOP');
    try {
      await work();
    } finally {
      await server.kill('SIGCONT');
    }
    await eventually(async () => expect(await fixture.store.list('nobody', begin)).toEqual([]));
  };

  it('lets every key expire, and the sealed successor within ten seconds', async () => {
    const { proof } = await begun();
    await fixture.store.rotate(exchange(proof));
    const { userId, sessionId } = proof;
    expect((await keysOf(userId)).sort()).toEqual([
      `tf:{${userId}}:sealed:${sessionId}`,
      `tf:{${userId}}:session:${sessionId}`,
      `tf:{${userId}}:sessions`,
    ]);
    const idleMs = 30 * 24 * 60 * 60 * 1000;
    for (const key of await keysOf(userId)) {
      const leftMs = await client.pttl(key);
      expect(leftMs).toBeGreaterThan(0);
      expect(leftMs).toBeLessThanOrEqual(key.includes(':sealed:') ? 10_000 : idleMs + 1);
    }
    expect(JSON.stringify(await client.hgetall(`tf:{${userId}}:session:${sessionId}`))).not.toContain('sealed ');
  });

  it('leaves nothing of a session that ended, sealed successor included', async () => {
    const { proof } = await begun();
    await fixture.store.rotate(exchange(proof));
    await fixture.store.end(proof.userId, [proof.sessionId]);
    expect(await keysOf(proof.userId)).toEqual([]);
  });

  it('takes what a client chose for a value, whatever it looks like', async () => {
    const { proof } = await begun();
    const userAgent = `"]] .. redis.call('FLUSHALL') --\r\n$3\r\nÄ\u0000{}`;
    await fixture.store.rotate(exchange(proof, after(1), { userAgent }));
    expect(await fixture.store.list(proof.userId, after(2))).toMatchObject([{ userAgent }]);
  });

  it('does not believe a Redis that brings an ended session back from a snapshot', async () => {
    const { proof } = await begun();
    const key = `tf:{${proof.userId}}:session:${proof.sessionId}`;
    const snapshot = await client.dumpBuffer(key);
    await fixture.store.end(proof.userId, [proof.sessionId]);
    await client.restore(key, 0, snapshot);
    await client.zadd(`tf:{${proof.userId}}:sessions`, after(60_000).getTime(), proof.sessionId);
    expect(await fixture.store.isCurrent(proof, after(1))).toBe(false);
    expect(await fixture.store.find(proof.userId, proof.sessionId, after(1))).toBeUndefined();
    expect(await fixture.store.list(proof.userId, after(1))).toEqual([]);
    expect((await fixture.store.rotate(exchange(proof))).outcome).toBe('unknown');
  });

  it('refuses a session that is on the denylist', async () => {
    const { proof } = await begun();
    await client.set(`tf:{${proof.userId}}:ended:${proof.sessionId}`, 1, 'PX', 60_000);
    expect((await fixture.store.rotate(exchange(proof))).outcome).toBe('unknown');
  });

  it('refuses what was opened until an instant, but for one, and leaves what was opened later', async () => {
    const { session, proof } = await begun();
    const { userId } = proof;
    const laterProof = { ...proof, sessionId: randomUUID() };
    await fixture.store.create({ ...session, id: laterProof.sessionId, createdAt: after(10) }, laterProof);
    await fixture.store.refuse(userId, after(5));
    expect((await fixture.store.rotate(exchange(proof))).outcome).toBe('unknown');
    expect((await fixture.store.rotate(exchange(laterProof, after(20)))).outcome).toBe('rotated');
    await fixture.store.refuse(userId, after(15), laterProof.sessionId);
    await fixture.store.refuse(userId, after(4));
    expect((await fixture.store.list(userId, after(20))).map(({ id }) => id)).toEqual([laterProof.sessionId]);
  });

  it('ends a session while Redis is killed, and for good', async () => {
    const { proof } = await begun();
    await server.kill('SIGKILL');
    await fixture.store.end(proof.userId, [proof.sessionId]);
    await server.restart();
    await eventually(async () => expect(await fixture.store.list(proof.userId, begin)).toEqual([]));
    expect((await fixture.store.rotate(exchange(proof))).outcome).toBe('unknown');
    // It is still there, and named to whoever ends all.
    expect(await fixture.store.listStored(proof.userId, begin)).toMatchObject([{ id: proof.sessionId }]);
  });

  it('does not take a client for a thief whose exchange Redis made after it was refused', async () => {
    const { proof } = await begun();
    const lost = exchange(proof);
    await whileFrozen(async () => {
      await expect(fixture.store.rotate(lost)).rejects.toBeInstanceOf(RedisUnavailable);
    });
    // Redis did it when it went on: the token is the parent of one that nobody has.
    expect(await client.hget(`tf:{${proof.userId}}:session:${proof.sessionId}`, 'secretHash')).toBe(lost.successorHash);
    const again = exchange(proof, after(60_000));
    expect((await fixture.store.rotate(again)).outcome).toBe('rotated');
    expect((await fixture.store.rotate(exchange(proof, after(120_000)))).outcome).toBe('reused');
    const next = { ...proof, secretHash: again.successorHash };
    expect((await fixture.store.rotate(exchange(next, after(130_000)))).outcome).toBe('rotated');
  });

  it('takes the parent of a successor for a reuse once somebody got it after all', async () => {
    const { proof } = await begun();
    await whileFrozen(async () => {
      await expect(fixture.store.rotate(exchange(proof))).rejects.toBeInstanceOf(RedisUnavailable);
    });
    expect((await fixture.store.rotate(exchange(proof, after(5000)))).outcome).toBe('replayed');
    expect((await fixture.store.rotate(exchange(proof, after(60_000)))).outcome).toBe('reused');
  });

  it('shows no session whose beginning was refused, even if Redis made it later', async () => {
    const userId = randomBytes(12).toString('hex');
    const session = { id: randomUUID(), userId, createdAt: begin, lastUsedAt: begin, ...device };
    const proof = { userId, sessionId: session.id, familyHash: 'f', secretHash: 's' };
    await whileFrozen(async () => {
      await expect(fixture.store.create(session, proof)).rejects.toBeInstanceOf(RedisUnavailable);
    });
    expect(await client.exists(`tf:{${userId}}:session:${session.id}`)).toBe(1);
    expect(await fixture.store.list(userId, after(1))).toEqual([]);
  });
});

describe('the session store on a Redis cluster', () => {
  let cluster: Awaited<ReturnType<typeof startRedisCluster>>;
  beforeAll(async () => {
    cluster = await startRedisCluster();
  });
  afterAll(() => cluster.stop());

  sessionStoreContract(() => open({ REDIS_CLUSTER_NODES: cluster.addresses }));
});
