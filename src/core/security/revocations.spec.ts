import { Logger } from '@nestjs/common';
import type { DatabaseReadiness } from '../mongo/database-readiness.js';
import { RevocationChannel, type RevocationListener } from './revocation-channel.js';
import { RevocationStore, type Revocation } from './revocation.store.js';
import { Revocations } from './revocations.js';

const revoked = (id: string): Revocation => ({ kind: 'session', id, expiresAt: new Date(Date.now() + 60_000) });
const token = (sessionId: string) => ({ sessionId, userId: 'ada', version: 1 });

class FakeStore extends RevocationStore {
  readonly kept: Revocation[] = [];
  looks = 0;
  isAway = false;
  add(revocation: Revocation): Promise<void> {
    if (this.isAway) return Promise.reject(new Error('away'));
    this.kept.push(revocation);
    return Promise.resolve();
  }
  list(): Promise<readonly Revocation[]> {
    this.looks++;
    return this.isAway ? Promise.reject(new Error('away')) : Promise.resolve([...this.kept]);
  }
}

class FakeChannel extends RevocationChannel {
  listener!: RevocationListener;
  readonly sent: string[] = [];
  spread(userId: string, { kind, id }: Revocation): Promise<void> {
    this.sent.push(`${userId} ${kind} ${id}`);
    return Promise.resolve();
  }
  listen(listener: RevocationListener): void {
    this.listener = listener;
  }
}

describe('Revocations', () => {
  let store: FakeStore;
  let channel: FakeChannel;
  let revocations: Revocations;
  let firstContact: () => Promise<void>;

  beforeEach(() => {
    jest.useFakeTimers();
    jest.spyOn(Logger.prototype, 'warn').mockReturnValue();
    [store, channel] = [new FakeStore(), new FakeChannel()];
    const readiness = { onFirstContact: (_name: string, run: () => Promise<void>) => (firstContact = run) };
    const clock = { now: () => new Date() };
    revocations = new Revocations(store, channel, readiness as unknown as DatabaseReadiness, clock);
    revocations.onModuleInit();
  });
  afterEach(() => {
    revocations.onApplicationShutdown();
    jest.useRealTimers();
    jest.restoreAllMocks();
  });

  const looksWithin = async (ms: number): Promise<number> => {
    const before = store.looks;
    await jest.advanceTimersByTimeAsync(ms);
    return store.looks - before;
  };

  it('tells nobody of an end that is not durable', async () => {
    store.isAway = true;
    await expect(revocations.endSession('ada', 'one')).rejects.toThrow('away');
    expect(channel.sent).toEqual([]);
    expect(revocations.isRevoked(token('one'))).toBe(false);
  });

  it('holds what it was told, and tells what was ended here', async () => {
    channel.listener.onRevoked(revoked('one'));
    expect(revocations.isRevoked(token('one'))).toBe(true);
    await revocations.endSession('ada', 'two');
    await revocations.raiseVersion('eve', 2);
    expect(channel.sent).toEqual(['ada session two', 'eve user eve']);
    expect(revocations.isRevoked(token('two'))).toBe(true);
  });

  it('does not believe to be complete by messages alone, before it has looked once', async () => {
    channel.listener.onJoined();
    channel.listener.onRevoked(revoked('one'));
    await jest.advanceTimersByTimeAsync(10_000);
    expect(revocations.isLoaded).toBe(false);
    await firstContact();
    expect(revocations.isLoaded).toBe(true);
  });

  it('looks every 400 ms while it hears nothing', async () => {
    await firstContact();
    expect(await looksWithin(4000)).toBe(10);
  });

  it('looks at once when it joins, and then every 800 ms', async () => {
    await firstContact();
    store.kept.push(revoked('missed'));
    channel.listener.onJoined();
    await jest.advanceTimersByTimeAsync(1);
    expect(revocations.isRevoked(token('missed'))).toBe(true);
    expect(await looksWithin(4000)).toBe(5);
  });

  it('looks at once when messages may be missing, and then often', async () => {
    await firstContact();
    channel.listener.onJoined();
    await jest.advanceTimersByTimeAsync(100);
    store.kept.push(revoked('missed'));
    channel.listener.onLost();
    await jest.advanceTimersByTimeAsync(1);
    expect(revocations.isRevoked(token('missed'))).toBe(true);
    expect(await looksWithin(4000)).toBe(10);
  });

  it('goes on looking often after it joined, until a look succeeded', async () => {
    await firstContact();
    store.isAway = true;
    channel.listener.onJoined();
    expect(await looksWithin(2000)).toBeGreaterThanOrEqual(5);
    store.isAway = false;
    await jest.advanceTimersByTimeAsync(400);
    expect(await looksWithin(4000)).toBe(5);
  });

  it('does not take a look that was under way when it joined for the one that counts', async () => {
    await firstContact();
    let answer!: (found: readonly Revocation[]) => void;
    const slow = new Promise<readonly Revocation[]>((resolve) => (answer = resolve));
    const list = jest.spyOn(store, 'list').mockReturnValueOnce(slow);
    await jest.advanceTimersByTimeAsync(400);
    channel.listener.onJoined();
    answer([]);
    await jest.advanceTimersByTimeAsync(1);
    expect(list).toHaveBeenCalledTimes(2);
  });

  it('looks no more after the shutdown', async () => {
    await firstContact();
    revocations.onApplicationShutdown();
    channel.listener.onLost();
    expect(await looksWithin(10_000)).toBe(0);
  });
});
