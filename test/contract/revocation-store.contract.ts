import { randomUUID } from 'node:crypto';
import type { Revocation, RevocationStore } from '../../src/core/security/revocation.store.js';

/** A store whose clock the test moves, and a second one on the same data: another process, or this one after a restart. */
export interface RevocationStoreFixture {
  readonly store: RevocationStore;
  reopen(): Promise<RevocationStore>;
  now(): Date;
  later(ms: number): void;
  close(): Promise<void>;
}

/** What every revocation store promises: an ended session stays ended. */
export function revocationStoreContract(open: () => Promise<RevocationStoreFixture>): void {
  let fixture: RevocationStoreFixture;
  let id: string;

  beforeAll(async () => {
    fixture = await open();
  });
  afterAll(() => fixture.close());
  beforeEach(() => {
    id = randomUUID();
  });

  const inMs = (ms: number): Date => new Date(fixture.now().getTime() + ms);
  const session = (ms = 60_000): Revocation => ({ kind: 'session', id, expiresAt: inMs(ms) });
  const user = (minVersion: number, ms = 60_000): Revocation => ({ kind: 'user', id, minVersion, expiresAt: inMs(ms) });
  const mine = async (store = fixture.store, since?: Date): Promise<readonly Revocation[]> =>
    (await store.list(since)).filter((revocation) => revocation.id === id);

  it('lists an ended session as it was added', async () => {
    const added = session();
    await fixture.store.add(added);
    expect(await mine()).toEqual([added]);
  });

  it('lists a user with the lowest version that counts', async () => {
    const added = user(3);
    await fixture.store.add(added);
    expect(await mine()).toEqual([added]);
  });

  it('keeps a session and a user of the same id apart', async () => {
    await fixture.store.add(session());
    await fixture.store.add(user(2));
    expect((await mine()).map(({ kind }) => kind).sort()).toEqual(['session', 'user']);
  });

  it('takes ids with a colon', async () => {
    id = `a:${id}`;
    await fixture.store.add(session());
    expect(await mine()).toHaveLength(1);
  });

  it('bears the same revocation twice', async () => {
    await fixture.store.add(session());
    await fixture.store.add(session());
    expect(await mine()).toHaveLength(1);
  });

  it('bears the same revocation from many at once', async () => {
    await Promise.all(Array.from({ length: 10 }, () => fixture.store.add(session())));
    expect(await mine()).toHaveLength(1);
  });

  it('keeps the higher version and the later end, in whatever order they come', async () => {
    const latest = inMs(90_000);
    await Promise.all([
      fixture.store.add(user(5, 30_000)),
      fixture.store.add({ kind: 'user', id, minVersion: 4, expiresAt: latest }),
      fixture.store.add(user(2, 60_000)),
    ]);
    expect(await mine()).toEqual([{ kind: 'user', id, minVersion: 5, expiresAt: latest }]);
  });

  it('is seen by another process as soon as add has answered', async () => {
    await fixture.store.add(session());
    expect(await mine(await fixture.reopen())).toHaveLength(1);
  });

  it('lists what was added since an instant, that instant included, and nothing older', async () => {
    await fixture.store.add(session());
    const added = fixture.now();
    fixture.later(10);
    expect(await mine(fixture.store, added)).toHaveLength(1);
    expect(await mine(fixture.store, fixture.now())).toEqual([]);
  });

  it('lists again what was raised again', async () => {
    await fixture.store.add(user(2));
    fixture.later(1000);
    const since = fixture.now();
    await fixture.store.add(user(3));
    expect(await mine(fixture.store, since)).toMatchObject([{ minVersion: 3 }]);
  });

  it('does not list what no token can carry any more', async () => {
    await fixture.store.add(session(5000));
    fixture.later(5001);
    expect(await mine()).toEqual([]);
  });
}
