import { Injectable } from '@nestjs/common';
import { InjectModel } from '@nestjs/mongoose';
import type { Model, QueryFilter } from 'mongoose';
import { SESSION_MODEL, type SessionDocument } from './session.schema.js';
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

type Filter = QueryFilter<SessionDocument>;

/** Sessions in MongoDB, so that a restart logs nobody out. */
@Injectable()
export class SessionRepository extends SessionStore {
  constructor(@InjectModel(SESSION_MODEL) private readonly model: Model<SessionDocument>) {
    super();
  }

  async create({ id, ...session }: Session, { familyHash, secretHash }: Proof): Promise<void> {
    const absoluteUntil = after(session.createdAt, ABSOLUTE_MS);
    const idleUntil = after(session.lastUsedAt, IDLE_MS);
    await this.model.create({ _id: id, ...session, familyHash, secretHash, idleUntil, absoluteUntil });
  }

  async rotate(exchange: Exchange): Promise<Rotation> {
    const { presented, successorHash, sealedSuccessor, at, ip, userAgent } = exchange;
    const filter = { ...living(presented.userId, at), ...tokenOf(presented) };
    const change = {
      secretHash: successorHash,
      parentHash: presented.secretHash,
      sealedSuccessor,
      sealedUntil: after(at, REPLAY_MS),
      lastUsedAt: at,
      idleUntil: after(at, IDLE_MS),
      ip,
      userAgent,
    };
    const rotated = await this.model.findOneAndUpdate(filter, { $set: change }, { returnDocument: 'after' }).lean();
    return rotated ? { outcome: 'rotated', session: toSession(rotated) } : this.notCurrent(presented, at);
  }

  async isCurrent(proof: Proof, now: Date): Promise<boolean> {
    return (await this.model.countDocuments({ ...living(proof.userId, now), ...tokenOf(proof) })) > 0;
  }

  async find(userId: string, sessionId: string, now: Date): Promise<Session | undefined> {
    const found = await this.model.findOne({ _id: sessionId, ...living(userId, now) }).lean();
    return found ? toSession(found) : undefined;
  }

  async list(userId: string, now: Date): Promise<readonly Session[]> {
    const found = await this.model.find(living(userId, now)).sort({ lastUsedAt: -1 }).lean();
    return found.map(toSession);
  }

  listStored(userId: string, now: Date): Promise<readonly Session[]> {
    return this.list(userId, now);
  }

  async end(userId: string, sessionIds: readonly string[]): Promise<void> {
    await this.model.deleteMany({ _id: { $in: [...sessionIds] }, userId });
  }

  /** Whoever cannot list here can write nothing either; the event that wants the end comes again. */
  refuse(): Promise<void> {
    return Promise.resolve();
  }

  /** Drops the successors that nobody may ask for any more. */
  async forgetSuccessors(now: Date): Promise<void> {
    await this.model.updateMany({ sealedUntil: { $lte: now } }, { $unset: { sealedSuccessor: 1, sealedUntil: 1 } });
  }

  /** For a program whose sessions are elsewhere. */
  async forgetAll(): Promise<void> {
    await this.model.deleteMany({});
  }

  /** The token was not the current one: what was it? */
  private async notCurrent({ userId, sessionId, familyHash, secretHash }: Proof, at: Date): Promise<Rotation> {
    const found = await this.model.findOne({ _id: sessionId, familyHash, ...living(userId, at) }).lean();
    if (!found) return { outcome: 'unknown' };
    const { parentHash, sealedSuccessor, sealedUntil } = found;
    if (secretHash === parentHash && sealedSuccessor !== undefined && sealedUntil !== undefined && sealedUntil > at) {
      return { outcome: 'replayed', session: toSession(found), sealedSuccessor };
    }
    return { outcome: 'reused' };
  }
}

const after = (instant: Date, ms: number): Date => new Date(instant.getTime() + ms);

const living = (userId: string, now: Date): Filter => ({
  userId,
  idleUntil: { $gt: now },
  absoluteUntil: { $gt: now },
});

const tokenOf = ({ sessionId, familyHash, secretHash }: Proof): Filter => ({ _id: sessionId, familyHash, secretHash });

function toSession({ _id, userId, createdAt, lastUsedAt, ip, userAgent }: SessionDocument): Session {
  return { id: _id, userId, createdAt, lastUsedAt, ip, userAgent };
}
