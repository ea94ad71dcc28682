import mongoose from 'mongoose';
import { randomUUID } from 'node:crypto';
import { DurableRateLimitRepository } from '../../src/core/rate-limit/durable-rate-limit.repository.js';
import {
  RATE_LIMIT_MODEL,
  rateLimitSchema,
  type RateLimitDocument,
} from '../../src/core/rate-limit/rate-limit.schema.js';
import { startTestDatabase } from '../support/app.js';
import { rateLimitStoreContract } from './rate-limit-store.contract.js';

let database: Awaited<ReturnType<typeof startTestDatabase>>;
beforeAll(async () => {
  database = await startTestDatabase();
});
afterAll(() => database.close());

/** As a process of its own would: another connection, the same clock. */
async function openStore(now: () => Date): Promise<{ store: DurableRateLimitRepository; close: () => Promise<void> }> {
  const connection = await mongoose.createConnection(database.uri, { autoIndex: false }).asPromise();
  const model = connection.model<RateLimitDocument>(RATE_LIMIT_MODEL, rateLimitSchema);
  return { store: new DurableRateLimitRepository(model, { now }), close: () => connection.close() };
}

describe('the rate limits that are kept in MongoDB', () => {
  rateLimitStoreContract(async () => {
    let nowMs = Date.now();
    const { store, close } = await openStore(() => new Date(nowMs));
    const later = (ms: number): Promise<void> => {
      nowMs += ms;
      return Promise.resolve();
    };
    return { store, later, close };
  });

  it('count against none when another process takes the last place of one between the look and the count', async () => {
    const now = (): Date => new Date();
    const [asks, races] = await Promise.all([openStore(now), openStore(now)]);
    const free = { key: randomUUID(), limit: 50, windowSeconds: 900 };
    // Its window has begun: it is the other one that they do not get.
    await asks.store.consume([free]);
    const scarce = { key: randomUUID(), limit: 1, windowSeconds: 900 };
    const together = Array.from({ length: 40 }, (_, n) => [asks, races][n % 2]!.store.consume([free, scarce]));
    const answers = await Promise.all(together);
    expect(answers.filter(([first, second]) => first!.allowed && second!.allowed)).toHaveLength(1);
    // Once before them, once with the one that was let through, and now.
    expect(await asks.store.consume([free])).toEqual([expect.objectContaining({ allowed: true, remaining: 47 })]);
    for (const { close } of [asks, races]) await close();
  });

  it('let exactly the limit through when several processes ask at once, and remember it', async () => {
    const now = (): Date => new Date();
    const limit = { key: randomUUID(), limit: 10, windowSeconds: 900 };
    const processes = await Promise.all([openStore(now), openStore(now), openStore(now)]);
    const asked = Array.from({ length: 60 }, (_, n) => processes[n % 3]!.store.consume([limit]));
    const allowed = (await Promise.all(asked)).filter(([result]) => result!.allowed);
    expect(allowed).toHaveLength(10);
    for (const { close } of processes) await close();

    const next = await openStore(now);
    expect(await next.store.consume([limit])).toEqual([expect.objectContaining({ allowed: false, remaining: 0 })]);
    await next.close();
  });
});
