import { Injectable } from '@nestjs/common';
import { InjectModel } from '@nestjs/mongoose';
import type { Model } from 'mongoose';
import type { PendingEvent } from '../../core/events/domain-event.js';
import { pushEvents } from '../../core/events/outbox.schema.js';
import { duplicateKey } from '../../core/mongo/store-failure.js';
import type { SetPreferences } from './preferences.js';
import { PREFERENCES_MODEL, type PreferencesDocument } from './preferences.schema.js';

/** What a user has set, and which write did it; 0: none has. */
export interface StoredPreferences {
  readonly set: SetPreferences;
  readonly version: number;
}

@Injectable()
export class PreferencesRepository {
  constructor(@InjectModel(PREFERENCES_MODEL) private readonly model: Model<PreferencesDocument>) {}

  async find(owner: string): Promise<StoredPreferences> {
    const found = await this.model.findOne({ _id: owner, owner }, { set: 1, version: 1 }).lean();
    return found ? { set: found.set ?? {}, version: found.version } : { set: {}, version: 0 };
  }

  /** Puts `set` in the place of what was read; false when somebody else wrote in between. */
  async replace(
    owner: string,
    read: StoredPreferences,
    set: SetPreferences,
    events: readonly PendingEvent[],
  ): Promise<boolean> {
    const update = { $set: { set, version: read.version + 1 }, ...pushEvents(events) };
    try {
      const filter = {
        _id: owner,
        owner,
        ...(read.version > 0 ? { version: read.version } : { version: { $exists: false } }),
      };
      const { matchedCount, upsertedCount } = await this.model.updateOne(filter, update, {
        upsert: read.version === 0,
      });
      return matchedCount + upsertedCount > 0;
    } catch (error) {
      if (duplicateKey(error)) return false;
      throw error;
    }
  }

  async purge(owner: string): Promise<void> {
    await this.model.deleteOne({ _id: owner, owner });
  }
}
