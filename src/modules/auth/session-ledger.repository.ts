import { Injectable } from '@nestjs/common';
import { InjectModel } from '@nestjs/mongoose';
import { createHash } from 'node:crypto';
import type { Model } from 'mongoose';
import { duplicateKey } from '../../core/mongo/store-failure.js';
import { Clock } from '../../core/time/clock.js';
import { SESSION_LEDGER_MODEL, type SessionLedgerDocument } from './session-ledger.schema.js';
import { ABSOLUTE_MS, type Session } from './session.store.js';

type Opened = Pick<Session, 'id' | 'createdAt'>;

/**
 * What must outlive Redis about the sessions in it: which are over. A Redis that was away misses the end of a session,
 * and one that starts from an older snapshot brings it back; neither may make its refresh token good again.
 */
@Injectable()
export class SessionLedger {
  constructor(
    @InjectModel(SESSION_LEDGER_MODEL) private readonly model: Model<SessionLedgerDocument>,
    private readonly clock: Clock,
  ) {}

  async end(userId: string, sessionIds: readonly string[]): Promise<void> {
    const expiresAt = this.keepUntil();
    const operations = sessionIds.map((id) => ({
      updateOne: { filter: { _id: entry('session', userId, id) }, update: { $set: { expiresAt } }, upsert: true },
    }));
    if (operations.length > 0) await this.model.bulkWrite(operations, { ordered: false });
  }

  /** An earlier instant than the one known changes nothing: events come late and more than once. */
  async endOpenedUntil(userId: string, openedUntil: Date, except?: string): Promise<void> {
    const filter = { _id: entry('user', userId), openedUntil: { $lt: openedUntil } };
    const known = { openedUntil, expiresAt: this.keepUntil() };
    const update = except === undefined ? { $set: known, $unset: { except: 1 } } : { $set: { ...known, except } };
    await this.model.updateOne(filter, update, { upsert: true }).catch((error: unknown) => {
      if (!duplicateKey(error)) throw error;
    });
  }

  /** Those that are not over, in the same order. */
  async living<T extends Opened>(userId: string, sessions: readonly T[]): Promise<readonly T[]> {
    if (sessions.length === 0) return sessions;
    const all = entry('user', userId);
    const nameOf = ({ id }: Opened): string => entry('session', userId, id);
    const found = await this.model.find({ _id: { $in: [all, ...sessions.map(nameOf)] } }).lean();
    const entries = new Map(found.map((document) => [document._id, document]));
    const { openedUntil, except } = entries.get(all) ?? {};
    return sessions.filter((session) => {
      const isCovered = openedUntil !== undefined && session.createdAt <= openedUntil && session.id !== except;
      return !isCovered && !entries.has(nameOf(session));
    });
  }

  /** This successor may have become the current token, and nobody got it. */
  async doubt(userId: string, sessionId: string, successorHash: string): Promise<void> {
    const update = { $addToSet: { undelivered: successorHash }, $set: { expiresAt: this.keepUntil() } };
    await this.model.updateOne({ _id: entry('undelivered', userId, sessionId) }, update, { upsert: true });
  }

  async undelivered(userId: string, sessionId: string): Promise<readonly string[]> {
    const found = await this.model.findOne({ _id: entry('undelivered', userId, sessionId) }).lean();
    return found?.undelivered ?? [];
  }

  /** What was in doubt has been handed out. */
  async settle(userId: string, sessionId: string): Promise<void> {
    await this.model.deleteOne({ _id: entry('undelivered', userId, sessionId) });
  }

  private keepUntil(): Date {
    return new Date(this.clock.now().getTime() + ABSOLUTE_MS);
  }
}

const entry = (...parts: readonly [string, ...string[]]): string =>
  createHash('sha256').update(parts.join('\n')).digest('base64url');
