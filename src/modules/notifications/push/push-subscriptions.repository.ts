import { Injectable } from '@nestjs/common';
import { InjectModel } from '@nestjs/mongoose';
import type { Model } from 'mongoose';
import { MAX_SUBSCRIPTIONS, type PushSubscription } from './push-subscription.js';
import { PUSH_SUBSCRIPTION_MODEL, type PushSubscriptionDocument } from './push-subscription.schema.js';

@Injectable()
export class PushSubscriptionsRepository {
  constructor(@InjectModel(PUSH_SUBSCRIPTION_MODEL) private readonly model: Model<PushSubscriptionDocument>) {}

  /** Again is the same as once; the endpoint is nobody else's from here on. */
  async put({ id, ...subscription }: PushSubscription): Promise<void> {
    await this.model.updateOne({ _id: id }, { $set: subscription }, { upsert: true });
    const { owner } = subscription;
    const ids = (await this.model.find({ owner }, { _id: 1 }).sort({ createdAt: -1 }).lean()).map(({ _id }) => _id);
    const old = ids.slice(MAX_SUBSCRIPTIONS);
    if (old.length > 0) await this.model.deleteMany({ owner, _id: { $in: old } });
  }

  async of(owner: string): Promise<PushSubscription[]> {
    const found = await this.model.find({ owner }).sort({ createdAt: 1 }).lean();
    return found.map(({ _id, ...subscription }) => ({ id: _id, ...subscription }));
  }

  async isSubscribed(owner: string): Promise<boolean> {
    return (await this.model.exists({ owner })) !== null;
  }

  /** @returns whether it was there */
  async remove(owner: string, id: string): Promise<boolean> {
    return (await this.model.deleteOne({ _id: id, owner })).deletedCount > 0;
  }

  async purge(owner: string): Promise<void> {
    await this.model.deleteMany({ owner });
  }
}
