import { Injectable } from '@nestjs/common';
import { InjectModel } from '@nestjs/mongoose';
import type { Model, UpdateQuery } from 'mongoose';
import { CLAIM_MS, lookAtFor, LOOKED_AT_WITHIN_MS, type Claim, type Delivery, type DeliveryJob } from './delivery.js';
import type { Channel } from './notification.js';
import { NOTIFICATION_MODEL, type NotificationDocument } from './notification.schema.js';
import { toNotification } from './notifications.repository.js';

/** More are not counted. */
const MAX_COUNT = 10_000;

/** What is still to be sent, and how far it is. Jobs may be lost; this may not. */
@Injectable()
export class DeliveriesRepository {
  constructor(@InjectModel(NOTIFICATION_MODEL) private readonly model: Model<NotificationDocument>) {}

  /** Counts an attempt, which nobody else makes at the same time. Undefined when there is nothing to send now. */
  async claim({ id, owner, channel }: DeliveryJob, now: Date): Promise<Claim | undefined> {
    const path = `deliveries.${channel}`;
    const claimedUntil = new Date(now.getTime() + CLAIM_MS);
    const found = await this.model
      .findOneAndUpdate(
        {
          _id: id,
          owner,
          [`${path}.state`]: 'pending',
          [`${path}.sendAt`]: { $lte: now },
          $or: [{ [`${path}.claimedUntil`]: { $exists: false } }, { [`${path}.claimedUntil`]: { $lte: now } }],
        },
        {
          $inc: { [`${path}.attempts`]: 1 },
          $set: { [`${path}.claimedUntil`]: claimedUntil, [`${path}.lookAt`]: claimedUntil },
        },
        { returnDocument: 'after' },
      )
      .lean();
    const delivery = found?.deliveries?.[channel];
    if (!delivery) return undefined;
    const { attempts, reached } = delivery;
    return { notification: toNotification(found), channel, attempts, reached };
  }

  /** When what could not be claimed may be; undefined when it is not to be sent any more. */
  async pendingUntil({ id, owner, channel }: DeliveryJob): Promise<Date | undefined> {
    const found = await this.model.findOne({ _id: id, owner }, { deliveries: 1 }).lean();
    const { state, sendAt, claimedUntil } = found?.deliveries?.[channel] ?? {};
    if (state !== 'pending') return undefined;
    return claimedUntil && claimedUntil > sendAt! ? claimedUntil : sendAt;
  }

  /** It is over. */
  settle(
    { notification, channel }: Claim,
    state: Exclude<Delivery['state'], 'pending'>,
    error?: string,
  ): Promise<void> {
    return this.write(notification, channel, { state, ...(error === undefined ? {} : { error }) }, true);
  }

  /** Another attempt from `sendAt` on. @param reached who need not get it again */
  async postpone(
    { notification, channel }: Claim,
    { sendAt, error, reached }: Pick<Delivery, 'sendAt' | 'error' | 'reached'>,
    now: Date,
  ): Promise<void> {
    await this.write(notification, channel, { sendAt, lookAt: lookAtFor(sendAt, now), error, reached }, false);
  }

  /** What was given up is to be sent after all: whoever looks next finds it. */
  async revive({ id, owner, channel }: DeliveryJob, now: Date): Promise<void> {
    const path = `deliveries.${channel}`;
    const fresh = { state: 'pending', sendAt: now, lookAt: now, attempts: 0 };
    await this.model.updateOne({ _id: id, owner, [`${path}.state`]: 'dead' }, { $set: under(path, fresh) });
  }

  /** What no job may be doing, the longest waiting first; looked at again after a while. */
  async overdue(channel: Channel, now: Date, limit: number): Promise<DeliveryJob[]> {
    const path = `deliveries.${channel}.lookAt`;
    const found = await this.model
      .find({ [path]: { $lte: now } }, { owner: 1 })
      .sort({ [path]: 1 })
      .limit(limit)
      .lean();
    const _id = { $in: found.map((document) => document._id) };
    const lookAt = lookAtFor(now, now);
    if (found.length > 0) await this.model.updateMany({ _id, [path]: { $lte: now } }, { $set: { [path]: lookAt } });
    return found.map(({ _id: id, owner }) => ({ id, owner, channel }));
  }

  /** Those whose time has come, among them the ones that are being sent. */
  countDue(channel: Channel, now: Date): Promise<number> {
    const path = `deliveries.${channel}`;
    const soon = new Date(now.getTime() + LOOKED_AT_WITHIN_MS);
    return this.model.countDocuments(
      { [`${path}.lookAt`]: { $lte: soon }, [`${path}.sendAt`]: { $lte: now } },
      { limit: MAX_COUNT },
    );
  }

  private async write(
    { id, owner }: { id: string; owner: string },
    channel: Channel,
    fields: Partial<Delivery>,
    isOver: boolean,
  ): Promise<void> {
    const path = `deliveries.${channel}`;
    const update: UpdateQuery<NotificationDocument> = {
      $set: under(path, fields),
      $unset: { [`${path}.claimedUntil`]: 1, ...(isOver ? { [`${path}.lookAt`]: 1 } : {}) },
    };
    await this.model.updateOne({ _id: id, owner, [`${path}.state`]: 'pending' }, update);
  }
}

const under = (path: string, fields: object): Record<string, unknown> =>
  Object.fromEntries(Object.entries(fields).map(([name, value]) => [`${path}.${name}`, value as unknown]));
