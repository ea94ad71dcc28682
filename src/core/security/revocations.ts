import { Injectable, Logger, Optional, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { Metrics } from '../metrics/metrics.js';
import { DatabaseReadiness } from '../mongo/database-readiness.js';
import { Clock } from '../time/clock.js';
import { RevocationChannel } from './revocation-channel.js';
import { RevocationStore, type Revocation } from './revocation.store.js';

/** Longer than an access token lives, plus what clocks may differ by. */
const KEEP_MS = 20 * 60 * 1000;
/**
 * Every process looks this often for what the others ended; the contract allows a second. So this alone keeps the
 * promise, and goes on whenever messages may be missing.
 */
const POLL_MS = 400;
/**
 * While messages come, they bring an end within milliseconds, and a fleet asks MongoDB half as often. Not less often
 * than the promise allows: a process that alone cannot reach Redis, or not the node of a cluster that has this user,
 * sends no message, and those who listen cannot know.
 */
const JOINED_POLL_MS = 800;
/** Looks this far back each time: clocks differ, and a write becomes visible after its timestamp was taken. */
const OVERLAP_MS = 15_000;

/**
 * The sessions and token versions that are over. Written to the store first, then held in this process, where every
 * request asks. No token is believed before the list was loaded once.
 */
@Injectable()
export class Revocations implements OnModuleInit, OnApplicationShutdown {
  private readonly logger = new Logger(Revocations.name);
  private readonly sessions = new Map<string, number>();
  private readonly users = new Map<string, { minVersion: number; expiresMs: number }>();
  private lookedAt?: Date;
  /** When the last look that succeeded began, on the clock of `performance`: at first, the start of the process. */
  private completeMs = 0;
  private timer?: NodeJS.Timeout;
  private isJoined = false;
  private stopped = false;

  constructor(
    private readonly store: RevocationStore,
    private readonly channel: RevocationChannel,
    private readonly readiness: DatabaseReadiness,
    private readonly clock: Clock,
    @Optional() metrics?: Metrics,
  ) {
    metrics?.measured(
      'taskflow_revocations_age_seconds',
      'Since this process last knew every ended session',
      () => (performance.now() - this.completeMs) / 1000,
    );
    metrics?.gauge('taskflow_revocations_held', 'Revocations held in memory', ['kind'], (gauge) => {
      gauge.set({ kind: 'session' }, this.sessions.size);
      gauge.set({ kind: 'user' }, this.users.size);
    });
  }

  onModuleInit(): void {
    this.readiness.onFirstContact('load revocations', async () => {
      await this.refresh();
      this.schedule(POLL_MS);
    });
    this.channel.listen({
      onRevoked: (revocation) => this.hold(revocation),
      // What was sent before is looked up first; only a look that succeeded makes the messages enough.
      onJoined: () => this.changed(true),
      onLost: () => this.changed(false),
    });
  }

  onApplicationShutdown(): void {
    this.stopped = true;
    clearTimeout(this.timer);
  }

  get isLoaded(): boolean {
    return this.lookedAt !== undefined;
  }

  isRevoked(token: { readonly sessionId: string; readonly userId: string; readonly version: number }): boolean {
    return this.sessions.has(token.sessionId) || token.version < (this.users.get(token.userId)?.minVersion ?? 0);
  }

  /** From here on the tokens of this session are refused, here at once and in every other process within a second. */
  async endSession(userId: string, id: string): Promise<void> {
    await this.add(userId, { kind: 'session', id, expiresAt: this.keepUntil() });
  }

  /** From here on tokens of this user with a lower version are refused. */
  async raiseVersion(userId: string, minVersion: number): Promise<void> {
    await this.add(userId, { kind: 'user', id: userId, minVersion, expiresAt: this.keepUntil() });
  }

  /** Durable first: a message that nobody got, or that Redis forgot, is found by looking. */
  private async add(userId: string, revocation: Revocation): Promise<void> {
    await this.store.add(revocation);
    this.hold(revocation);
    await this.channel.spread(userId, revocation);
  }

  private keepUntil(): Date {
    return new Date(this.clock.now().getTime() + KEEP_MS);
  }

  private hold(revocation: Revocation): void {
    const expiresMs = revocation.expiresAt.getTime();
    if (revocation.kind === 'session') {
      this.sessions.set(revocation.id, expiresMs);
      return;
    }
    const minVersion = Math.max(revocation.minVersion, this.users.get(revocation.id)?.minVersion ?? 0);
    this.users.set(revocation.id, { minVersion, expiresMs });
  }

  private async refresh(): Promise<void> {
    const now = this.clock.now();
    const startMs = performance.now();
    const since = this.lookedAt && new Date(this.lookedAt.getTime() - OVERLAP_MS);
    for (const revocation of await this.store.list(since)) this.hold(revocation);
    this.lookedAt = now;
    this.completeMs = startMs;
    for (const [id, expiresMs] of this.sessions) if (expiresMs < now.getTime()) this.sessions.delete(id);
    for (const [id, { expiresMs }] of this.users) if (expiresMs < now.getTime()) this.users.delete(id);
  }

  private changed(isJoined: boolean): void {
    this.isJoined = isJoined;
    // Before the first contact there is no map to complete.
    if (this.isLoaded) this.schedule(0);
  }

  private schedule(ms: number): void {
    clearTimeout(this.timer);
    if (!this.stopped) this.timer = setTimeout(() => void this.poll(), ms).unref();
  }

  private async poll(): Promise<void> {
    const { isJoined, timer } = this;
    let isComplete = false;
    try {
      await this.refresh();
      isComplete = true;
    } catch (error) {
      // The next look covers the gap: `lookedAt` moves only when a look succeeded.
      this.logger.warn(`could not look for ended sessions: ${(error as Error).message}`);
    }
    // Joined or lost while it looked: another look is due, and this one may have missed what was sent in between.
    if (timer === this.timer) this.schedule(isJoined && isComplete ? JOINED_POLL_MS : POLL_MS);
  }
}
