import { Injectable } from '@nestjs/common';
import { InjectModel } from '@nestjs/mongoose';
import type { Model, QueryFilter } from 'mongoose';
import { AppConfig } from '../../config/config.js';
import { duplicateKey } from '../../core/mongo/store-failure.js';
import type { AuditAction, AuditEntry } from './audit.js';
import { AUDIT_MODEL, type AuditDocument } from './audit.schema.js';

export interface AuditFilter {
  readonly actor?: string;
  readonly action?: AuditAction;
}

/** Where a page of the log begins: after this entry. */
export interface AuditPosition {
  readonly at: Date;
  readonly id: string;
}

@Injectable()
export class AuditRepository {
  constructor(
    @InjectModel(AUDIT_MODEL) private readonly model: Model<AuditDocument>,
    private readonly config: AppConfig,
  ) {}

  /** An entry that is there already stays as it is. */
  async insert({ id, ...entry }: AuditEntry): Promise<void> {
    try {
      await this.model.create({ _id: id, ...entry });
    } catch (error) {
      if (!duplicateKey(error)) throw error;
    }
  }

  /** Newest first; as old as `MONGODB_READ_PREFERENCE` allows. */
  async list({ actor, action }: AuditFilter, limit: number, after?: AuditPosition): Promise<AuditEntry[]> {
    const filter: QueryFilter<AuditDocument> = {
      ...(actor === undefined ? {} : { actor }),
      ...(action === undefined ? {} : { action }),
      // The first condition bounds the walk over the index, which an `$or` alone does not.
      ...(after
        ? { at: { $lte: after.at }, $or: [{ at: { $lt: after.at } }, { at: after.at, _id: { $lt: after.id } }] }
        : {}),
    };
    const found = await this.model
      .find(filter)
      .sort({ at: -1, _id: -1 })
      .limit(limit)
      .read(this.config.mongo.readPreference)
      .lean();
    return found.map(({ _id, ...entry }) => ({ id: _id, ...entry }));
  }

  async blankAddressesOf(actor: string): Promise<void> {
    await this.model.updateMany({ actor, ip: { $ne: null } }, { $set: { ip: null } });
  }
}
