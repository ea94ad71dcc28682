import { Injectable } from '@nestjs/common';
import { InjectModel } from '@nestjs/mongoose';
import type { Model } from 'mongoose';
import { randomUUID } from 'node:crypto';
import type { PendingEvent } from '../../../core/events/domain-event.js';
import type { PlannedReminder } from './reminder.js';
import { REMINDER_MODEL, type ReminderDocument } from './reminder.schema.js';

/** Reminders that one worker has in its hands for a while. */
export interface Claim {
  readonly id: string;
  readonly reminders: readonly PlannedReminder[];
  /** There are probably more. */
  readonly isFull: boolean;
}

/** The schedule as MongoDB keeps it. */
@Injectable()
export class RemindersRepository {
  constructor(@InjectModel(REMINDER_MODEL) private readonly model: Model<ReminderDocument>) {}

  /** Ids of all that is planned for these tasks, and of what has fired for their present deadlines. */
  async idsOf(owner: string, taskIds: readonly string[]): Promise<string[]> {
    const needed = { owner, taskId: { $in: [...taskIds] }, state: { $ne: 'void' as const } };
    const found = await this.model.find(needed, { _id: 1 }).lean();
    return found.map(({ _id }) => _id);
  }

  /** Those that are there stay as they are, fired or not. */
  async add(reminders: readonly PlannedReminder[]): Promise<void> {
    if (reminders.length === 0) return;
    await this.model.bulkWrite(
      reminders.map(({ id: _id, ...reminder }) => ({
        updateOne: {
          filter: { _id },
          update: { $setOnInsert: { ...reminder, state: 'waiting', lookAt: reminder.fireAt, version: 1 } },
          upsert: true,
        },
      })),
      { ordered: false },
    );
  }

  /** An event that waits in one of them is published before it goes. */
  async remove(owner: string, ids: readonly string[]): Promise<void> {
    if (ids.length === 0) return;
    const those = { _id: { $in: [...ids] }, owner };
    // In this order: what is published in between is removed by the second. A relay that has read it before the first
    // finds another version and reads again.
    const leave = { $set: { state: 'void' as const }, $inc: { version: 1 } };
    await this.model.updateMany({ ...those, pendingAt: { $exists: true } }, leave);
    await this.model.deleteMany({ ...those, pendingAt: { $exists: false } });
  }

  async purge(owner: string): Promise<void> {
    await this.model.deleteMany({ owner });
  }

  /** Takes what is due, the longest waiting first. Who is killed loses it `until` then. */
  async claim(now: Date, until: Date, limit: number): Promise<Claim> {
    const id = randomUUID();
    const isDue = { lookAt: { $lt: now } };
    const due = await this.model.find(isDue, { _id: 1 }).sort({ lookAt: 1 }).limit(limit).lean();
    if (due.length === 0) return { id, reminders: [], isFull: false };
    const ids = due.map(({ _id }) => _id);
    // Several workers read the same; each gets what it marks first.
    await this.model.updateMany({ _id: { $in: ids }, ...isDue }, { $set: { lookAt: until, claim: id } });
    const claimed = await this.model.find({ _id: { $in: ids }, claim: id }).lean();
    return { id, reminders: claimed.map(toReminder), isFull: due.length === limit };
  }

  /** Fires each that has an event, and removes the others: in one write each, if they are still in these hands. */
  async settle(claim: Claim, eventOf: (reminder: PlannedReminder) => PendingEvent | undefined): Promise<void> {
    const writes = claim.reminders.map((reminder) => {
      const filter = { _id: reminder.id, claim: claim.id };
      const event = eventOf(reminder);
      if (!event) return { deleteOne: { filter } };
      const fired = { state: 'fired' as const, pending: [event], pendingAt: event.notBefore };
      return { updateOne: { filter, update: { $set: fired, $unset: { lookAt: 1 as const, claim: 1 as const } } } };
    });
    if (writes.length > 0) await this.model.bulkWrite(writes, { ordered: false });
  }
}

function toReminder(document: ReminderDocument): PlannedReminder {
  const { _id: id, owner, taskId, kind, minutesBefore, dueAt, fireAt } = document;
  return { id, owner, taskId, kind, minutesBefore, dueAt, fireAt };
}
