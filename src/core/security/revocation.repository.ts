import { Injectable } from '@nestjs/common';
import { InjectModel } from '@nestjs/mongoose';
import type { Model } from 'mongoose';
import { Clock } from '../time/clock.js';
import { REVOCATION_MODEL, type RevocationDocument } from './revocation.schema.js';
import { RevocationStore, type Revocation } from './revocation.store.js';

/** Revocations in MongoDB, which is where they are written first whatever else spreads them. */
@Injectable()
export class RevocationRepository extends RevocationStore {
  constructor(
    @InjectModel(REVOCATION_MODEL) private readonly model: Model<RevocationDocument>,
    private readonly clock: Clock,
  ) {
    super();
  }

  async add(revocation: Revocation): Promise<void> {
    const { kind, id, expiresAt } = revocation;
    const version =
      kind === 'user' ? { $max: { minVersion: revocation.minVersion, expiresAt } } : { $max: { expiresAt } };
    const update = { ...version, $set: { at: this.clock.now() } };
    await this.model.updateOne({ _id: `${kind}:${id}` }, update, { upsert: true });
  }

  async list(since?: Date): Promise<readonly Revocation[]> {
    const filter = { expiresAt: { $gt: this.clock.now() }, ...(since ? { at: { $gte: since } } : {}) };
    const found = await this.model.find(filter).lean();
    return found.map(({ _id, minVersion, expiresAt }) => {
      const id = _id.slice(_id.indexOf(':') + 1);
      return minVersion === undefined
        ? { kind: 'session', id, expiresAt }
        : { kind: 'user', id, minVersion, expiresAt };
    });
  }
}
