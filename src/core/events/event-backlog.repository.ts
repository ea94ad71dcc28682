import { Injectable } from '@nestjs/common';
import { InjectModel } from '@nestjs/mongoose';
import type { Model } from 'mongoose';
import { Clock } from '../time/clock.js';
import { KEPT_MS, logged } from './event-log.repository.js';
import { EVENT_MODEL, type EventDocument } from './event.schema.js';
import type { LoggedEvent } from './event-transport.js';

/** An event that a group has still to handle. */
export interface WaitingEvent {
  readonly event: LoggedEvent;
  /** How often the group has failed it. */
  readonly attempts: number;
  readonly lookAt: Date;
}

/** What of the log still waits for groups. */
@Injectable()
export class EventBacklog {
  constructor(
    @InjectModel(EVENT_MODEL) private readonly model: Model<EventDocument>,
    private readonly clock: Clock,
  ) {}

  /** Owners with events that are due for `group`, the longest waiting first. @param but leaves these out */
  async owners(group: string, but: readonly string[], limit: number): Promise<string[]> {
    const due = { to: group, lookAt: { $lte: this.clock.now() }, ...(but.length > 0 ? { owner: { $nin: but } } : {}) };
    const found = await this.model.find(due, { owner: 1 }).sort({ lookAt: 1 }).limit(limit).lean();
    return [...new Set(found.map(({ owner }) => owner))];
  }

  /** The events of these owners that wait for `group`, due or not, each owner's in order. */
  async waiting(group: string, owners: readonly string[], limit: number): Promise<WaitingEvent[]> {
    const found = await this.model
      .find({ to: group, owner: { $in: owners }, lookAt: { $exists: true } })
      .sort({ owner: 1, seq: 1 })
      .limit(limit)
      .lean();
    return found.map((row) => ({ event: logged(row), attempts: row.attempts?.[group] ?? 0, lookAt: row.lookAt! }));
  }

  /** The group is done with these. What nobody waits for any more may be forgotten a day later. */
  async handled(group: string, ids: readonly string[]): Promise<void> {
    if (ids.length === 0) return;
    const expireAt = new Date(this.clock.now().getTime() + KEPT_MS);
    const _id = { $in: ids as string[] };
    await this.model.bulkWrite([
      { updateMany: { filter: { _id }, update: { $pull: { to: group } } } },
      {
        updateMany: {
          filter: { _id, to: { $size: 0 } },
          update: { $set: { expireAt }, $unset: { to: 1, lookAt: 1, attempts: 1 } },
        },
      },
    ]);
  }

  /** The group looks at it again in `pauseMs`. @param counts whether it was the event's fault */
  async postpone(group: string, id: string, pauseMs: number, counts: boolean): Promise<void> {
    const lookAt = new Date(this.clock.now().getTime() + pauseMs);
    await this.model.updateOne(
      { _id: id, to: group },
      { $set: { lookAt }, ...(counts ? { $inc: { [`attempts.${group}`]: 1 } } : {}) },
    );
  }

  /** Since when the event that `group` has had longest waits; undefined when there is none. */
  async oldest(group: string): Promise<Date | undefined> {
    const found = await this.model
      .find({ to: group, lookAt: { $exists: true } }, { at: 1 })
      .sort({ lookAt: 1 })
      .limit(1)
      .lean();
    return found[0]?.at;
  }
}
