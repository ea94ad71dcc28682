import { randomBytes, randomUUID } from 'node:crypto';
import type { Device, Exchange, Proof, Rotation, Session, SessionStore } from '../../src/modules/auth/session.store.js';

export interface SessionStoreFixture {
  readonly store: SessionStore;
  /** A second one on the same data: another process, or this one after a restart. */
  reopen(): Promise<SessionStore>;
  close(): Promise<void>;
}

const SECOND = 1000;
const DAY = 24 * 60 * 60 * SECOND;
const device: Device = { ip: '192.0.2.1', userAgent: 'test' };

/** What every session store promises. Times come from the caller, so nothing here waits. */
export function sessionStoreContract(open: () => Promise<SessionStoreFixture>): void {
  let fixture: SessionStoreFixture;
  let store: SessionStore;
  let userId: string;
  const begin = new Date();
  const after = (ms: number): Date => new Date(begin.getTime() + ms);

  beforeAll(async () => {
    fixture = await open();
    store = fixture.store;
  });
  afterAll(() => fixture.close());
  beforeEach(() => {
    userId = randomBytes(12).toString('hex');
  });

  /** A session and the proof of its first token. */
  const begun = async (owner = userId): Promise<{ session: Session; proof: Proof }> => {
    const session: Session = { id: randomUUID(), userId: owner, createdAt: begin, lastUsedAt: begin, ...device };
    const proof = { userId: owner, sessionId: session.id, familyHash: randomUUID(), secretHash: randomUUID() };
    await store.create(session, proof);
    return { session, proof };
  };

  const rotate = async (
    presented: Proof,
    at: Date,
    more: Partial<Exchange> = {},
  ): Promise<Rotation & { next: Proof }> => {
    const successorHash = randomUUID();
    const sealedSuccessor = `sealed ${successorHash}`;
    const rotation = await store.rotate({ presented, successorHash, sealedSuccessor, at, ...device, ...more });
    return { ...rotation, next: { ...presented, secretHash: successorHash } };
  };

  it('finds a session as it was created', async () => {
    const { session } = await begun();
    expect(await store.find(userId, session.id, begin)).toEqual(session);
  });

  it('exchanges the current token, and remembers when and where', async () => {
    const { session, proof } = await begun();
    const elsewhere = { ip: '198.51.100.7', userAgent: 'other' };
    const rotation = await rotate(proof, after(SECOND), elsewhere);
    const moved = { ...session, ...elsewhere, lastUsedAt: after(SECOND) };
    expect(rotation).toMatchObject({ outcome: 'rotated', session: moved });
    expect(await store.find(userId, session.id, after(SECOND))).toEqual(moved);
    expect((await rotate(rotation.next, after(2 * SECOND))).outcome).toBe('rotated');
  });

  it('gives the parent the same successor again for ten seconds', async () => {
    const { proof } = await begun();
    const { next } = await rotate(proof, after(0));
    const replay = await rotate(proof, after(9999));
    expect(replay).toMatchObject({ outcome: 'replayed', sealedSuccessor: `sealed ${next.secretHash}` });
    expect(await store.isCurrent(next, after(9999))).toBe(true);
  });

  it('calls the parent a reuse after ten seconds', async () => {
    const { proof } = await begun();
    await rotate(proof, after(0));
    expect((await rotate(proof, after(10_000))).outcome).toBe('reused');
  });

  it('does not prolong the ten seconds by replays', async () => {
    const { proof } = await begun();
    await rotate(proof, after(0));
    await rotate(proof, after(8000));
    expect((await rotate(proof, after(12_000))).outcome).toBe('reused');
  });

  it('calls an older token a reuse at once', async () => {
    const { proof } = await begun();
    const { next } = await rotate(proof, after(0));
    await rotate(next, after(1));
    expect((await rotate(proof, after(2))).outcome).toBe('reused');
  });

  it('changes nothing when it refuses', async () => {
    const { proof } = await begun();
    const { next } = await rotate(proof, after(0));
    const { next: current } = await rotate(next, after(1));
    await rotate(proof, after(2));
    expect(await store.isCurrent(current, after(3))).toBe(true);
  });

  it('does not know a token of another family, user or session', async () => {
    const { proof } = await begun();
    const strangers: Proof[] = [
      { ...proof, familyHash: randomUUID() },
      { ...proof, familyHash: randomUUID(), secretHash: randomUUID() },
      { ...proof, userId: randomBytes(12).toString('hex') },
      { ...proof, sessionId: randomUUID() },
    ];
    for (const stranger of strangers) {
      expect((await rotate(stranger, after(0))).outcome).toBe('unknown');
      expect(await store.isCurrent(stranger, begin)).toBe(false);
    }
    expect((await rotate(proof, after(0))).outcome).toBe('rotated');
  });

  it('lets one of fifty at once win, and gives the others the winner’s successor', async () => {
    const { proof } = await begun();
    const rotations = await Promise.all(Array.from({ length: 50 }, () => rotate(proof, after(1))));
    const winners = rotations.filter(({ outcome }) => outcome === 'rotated');
    expect(winners).toHaveLength(1);
    const sealed = `sealed ${winners[0]!.next.secretHash}`;
    const others = rotations.filter((rotation) => rotation !== winners[0]);
    expect(others).toHaveLength(49);
    for (const other of others) expect(other).toMatchObject({ outcome: 'replayed', sealedSuccessor: sealed });
    expect(await store.isCurrent(winners[0]!.next, after(2))).toBe(true);
  });

  it('tells the current token of a living session, and changes nothing by it', async () => {
    const { proof } = await begun();
    expect(await store.isCurrent(proof, begin)).toBe(true);
    expect(await store.isCurrent(proof, begin)).toBe(true);
    const { next } = await rotate(proof, after(1));
    expect(await store.isCurrent(proof, after(2))).toBe(false);
    expect(await store.isCurrent(next, after(2))).toBe(true);
  });

  it('lists a user’s sessions and nobody else’s, the one used last first', async () => {
    const first = await begun();
    const second = await begun();
    await begun(randomBytes(12).toString('hex'));
    await rotate(first.proof, after(SECOND));
    expect((await store.list(userId, after(SECOND))).map(({ id }) => id)).toEqual([
      first.session.id,
      second.session.id,
    ]);
  });

  it('forgets a session that was not used for 30 days', async () => {
    const { session, proof } = await begun();
    const last = after(30 * DAY - 1);
    expect(await store.list(userId, last)).toHaveLength(1);
    const over = after(30 * DAY);
    expect(await store.list(userId, over)).toEqual([]);
    expect(await store.find(userId, session.id, over)).toBeUndefined();
    expect(await store.isCurrent(proof, over)).toBe(false);
    expect((await rotate(proof, over)).outcome).toBe('unknown');
    expect((await rotate(proof, last)).outcome).toBe('rotated');
  });

  it('forgets a session after 90 days, however often it was used', async () => {
    const { session, proof } = await begun();
    let token = proof;
    for (const day of [29, 58, 87]) token = (await rotate(token, after(day * DAY))).next;
    expect(await store.find(userId, session.id, after(90 * DAY - 1))).toBeDefined();
    expect(await store.find(userId, session.id, after(90 * DAY))).toBeUndefined();
    expect((await rotate(token, after(90 * DAY))).outcome).toBe('unknown');
  });

  it('ends the sessions it is given, of that user only', async () => {
    const [one, two, three] = [await begun(), await begun(), await begun()];
    const other = await begun(randomBytes(12).toString('hex'));
    await store.end(userId, [one.session.id, two.session.id, other.session.id, randomUUID()]);
    expect((await store.list(userId, begin)).map(({ id }) => id)).toEqual([three.session.id]);
    expect(await store.find(other.session.userId, other.session.id, begin)).toBeDefined();
    for (const { proof } of [one, two]) expect((await rotate(proof, after(1))).outcome).toBe('unknown');
  });

  it('names for an end of all whatever it lists', async () => {
    const [one, two] = [await begun(), await begun()];
    await store.end(userId, [one.session.id]);
    expect((await store.listStored(userId, begin)).map(({ id }) => id)).toContain(two.session.id);
  });

  it('bears an end without sessions, and the same end twice', async () => {
    const { session } = await begun();
    await store.end(userId, []);
    expect(await store.list(userId, begin)).toHaveLength(1);
    await store.end(userId, [session.id]);
    await store.end(userId, [session.id]);
    expect(await store.list(userId, begin)).toEqual([]);
  });

  it('does not bring a session back by an exchange that races with its end', async () => {
    for (let round = 0; round < 20; round++) {
      const { session, proof } = await begun();
      await Promise.all([rotate(proof, after(1)), store.end(userId, [session.id]), rotate(proof, after(1))]);
      expect(await store.find(userId, session.id, after(2))).toBeUndefined();
    }
  });

  it('keeps its sessions for another process', async () => {
    const { session, proof } = await begun();
    const { next } = await rotate(proof, after(1));
    const other = await fixture.reopen();
    expect(await other.find(userId, session.id, after(2))).toMatchObject({ id: session.id });
    expect(await other.isCurrent(next, after(2))).toBe(true);
  });
}
