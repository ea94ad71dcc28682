import { Injectable, Logger } from '@nestjs/common';
import { RedisUnavailable } from '../../core/redis/redis.errors.js';
import { RequestRedis } from '../../core/redis/request-redis.js';
import { endedKey } from '../../core/security/revocation-keys.js';
import { SessionLedger } from './session-ledger.repository.js';
import { CREATE, END, FIND, LIST, ROTATE } from './session-scripts.js';
import {
  ABSOLUTE_MS,
  IDLE_MS,
  REPLAY_MS,
  SessionStore,
  type Exchange,
  type Proof,
  type Rotation,
  type Session,
} from './session.store.js';

/** createdAt, lastUsedAt, ip, user agent */
type Fields = readonly [string, string, string, string];
type RotateReply = readonly [Rotation['outcome'], ...Fields, string];

/**
 * Sessions in Redis: a hash per device and an index per user. Each call is one script; what a script found good counts
 * only if the ledger in MongoDB does not know it to be over.
 */
@Injectable()
export class RedisSessionStore extends SessionStore {
  private readonly logger = new Logger(RedisSessionStore.name);

  constructor(
    private readonly redis: RequestRedis,
    private readonly ledger: SessionLedger,
  ) {
    super();
  }

  /** @throws RedisUnavailable; then the session does not exist, even if Redis does it later */
  async create(session: Session, { familyHash, secretHash }: Proof): Promise<void> {
    const { id, userId, createdAt, lastUsedAt, ip, userAgent } = session;
    const absoluteUntil = createdAt.getTime() + ABSOLUTE_MS;
    const idleUntil = lastUsedAt.getTime() + IDLE_MS;
    const expiresAt = Math.min(idleUntil, absoluteUntil);
    const times = { createdAt: createdAt.getTime(), lastUsedAt: lastUsedAt.getTime(), expiresAt, absoluteUntil };
    const fields = { familyHash, secretHash, ip, userAgent, ...times };
    const args = [id, expiresAt, idleUntil, ...Object.entries(fields).flat()];
    const wasAway = this.redis.isAway;
    await this.redis.run(CREATE, [this.sessionKey(userId, id), this.indexKey(userId)], args).catch(async (error) => {
      if (!wasAway && error instanceof RedisUnavailable) await this.ledger.end(userId, [id]);
      throw error;
    });
  }

  async rotate(exchange: Exchange): Promise<Rotation> {
    const { userId, sessionId } = exchange.presented;
    const first = await this.tryRotate(exchange, []);
    const undelivered = first[0] === 'reused' ? await this.ledger.undelivered(userId, sessionId) : [];
    const [outcome, ...rest] = undelivered.length > 0 ? await this.tryRotate(exchange, undelivered) : first;
    if (outcome === 'unknown' || outcome === 'reused') return { outcome };
    const [createdAt, lastUsedAt, ip, userAgent, sealedSuccessor] = rest;
    const session = toSession(userId, sessionId, [createdAt, lastUsedAt, ip, userAgent]);
    // Asked after the exchange, so that an end that races with it is either seen here or finds the new token.
    if ((await this.ledger.living(userId, [session])).length === 0) return { outcome: 'unknown' };
    if (outcome === 'rotated') return { outcome, session };
    await this.ledger.settle(userId, sessionId);
    return { outcome, session, sealedSuccessor };
  }

  async isCurrent({ userId, sessionId, familyHash, secretHash }: Proof, now: Date): Promise<boolean> {
    return (await this.read(userId, sessionId, [now.getTime(), familyHash, secretHash])) !== undefined;
  }

  find(userId: string, sessionId: string, now: Date): Promise<Session | undefined> {
    return this.read(userId, sessionId, [now.getTime()]);
  }

  async list(userId: string, now: Date): Promise<readonly Session[]> {
    return this.ledger.living(userId, await this.listStored(userId, now));
  }

  async listStored(userId: string, now: Date): Promise<readonly Session[]> {
    const args = [now.getTime(), this.sessionKey(userId, '')];
    const found = (await this.redis.run(LIST, [this.indexKey(userId)], args)) as [string, ...Fields][];
    const sessions = found.map(([id, ...fields]) => toSession(userId, id, fields));
    return sessions.sort((a, b) => b.lastUsedAt.getTime() - a.lastUsedAt.getTime());
  }

  /** Durable in MongoDB. If Redis is away its part is left to expire: nobody believes it any more. */
  async end(userId: string, sessionIds: readonly string[]): Promise<void> {
    if (sessionIds.length === 0) return;
    await this.ledger.end(userId, sessionIds);
    const gone = sessionIds.flatMap((id) => [this.sessionKey(userId, id), this.sealedKey(userId, id)]);
    await this.redis.run(END, [this.indexKey(userId), ...gone], [...sessionIds]).catch((error: unknown) => {
      if (!(error instanceof RedisUnavailable)) throw error;
      this.logger.warn(`Redis keeps ${sessionIds.length} ended sessions until they expire`);
    });
  }

  async refuse(userId: string, openedUntil: Date, except?: string): Promise<void> {
    await this.ledger.endOpenedUntil(userId, openedUntil, except);
  }

  /**
   * A frozen Redis may do this long after the request was told 503. The client comes back with a token that is the
   * parent by then, and must not be taken for a thief.
   */
  private async tryRotate(exchange: Exchange, undelivered: readonly string[]): Promise<RotateReply> {
    const { userId, sessionId } = exchange.presented;
    const keys = [
      this.sessionKey(userId, sessionId),
      this.indexKey(userId),
      this.sealedKey(userId, sessionId),
      endedKey(this.redis, userId, sessionId),
    ];
    const wasAway = this.redis.isAway;
    try {
      return (await this.redis.run(ROTATE, keys, rotateArgs(exchange, undelivered))) as RotateReply;
    } catch (error) {
      if (!wasAway && error instanceof RedisUnavailable) {
        await this.ledger.doubt(userId, sessionId, exchange.successorHash);
      }
      throw error;
    }
  }

  private async read(userId: string, sessionId: string, args: (string | number)[]): Promise<Session | undefined> {
    const fields = (await this.redis.run(FIND, [this.sessionKey(userId, sessionId)], args)) as Fields | null;
    if (!fields) return undefined;
    return (await this.ledger.living(userId, [toSession(userId, sessionId, fields)]))[0];
  }

  private readonly sessionKey = (userId: string, id: string): string => this.redis.key(userId, 'session', id);
  private readonly sealedKey = (userId: string, id: string): string => this.redis.key(userId, 'sealed', id);
  private readonly indexKey = (userId: string): string => this.redis.key(userId, 'sessions');
}

function rotateArgs(exchange: Exchange, undelivered: readonly string[]): (string | number)[] {
  const { presented, successorHash, sealedSuccessor, ip, userAgent } = exchange;
  const at = exchange.at.getTime();
  return [
    presented.sessionId,
    at,
    presented.familyHash,
    presented.secretHash,
    successorHash,
    sealedSuccessor,
    at + REPLAY_MS,
    REPLAY_MS,
    at + IDLE_MS,
    ip,
    userAgent,
    ...undelivered,
  ];
}

function toSession(userId: string, id: string, [createdAt, lastUsedAt, ip, userAgent]: Fields): Session {
  return {
    id,
    userId,
    createdAt: new Date(Number(createdAt)),
    lastUsedAt: new Date(Number(lastUsedAt)),
    ip,
    userAgent,
  };
}
