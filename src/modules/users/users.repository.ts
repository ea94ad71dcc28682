import { Injectable } from '@nestjs/common';
import { InjectModel } from '@nestjs/mongoose';
import mongoose, { type Model, type QueryFilter, type Types } from 'mongoose';
import { AppConfig } from '../../config/config.js';
import { pushEvents } from '../../core/events/outbox.schema.js';
import { readOptions } from '../../core/mongo/driver-options.js';
import { duplicateKey } from '../../core/mongo/store-failure.js';
import type { Role } from '../../core/security/principal.js';
import { USER_MODEL, type UserDocument } from './user.schema.js';
import { emailKey, searchTerms, type Decision, type User, type UserStatus } from './user.js';
import { EmailTaken } from './users.errors.js';

/** Where a page of the admin's list begins: after this user. */
export interface ListPosition {
  readonly createdAt: Date;
  readonly id: string;
}

export interface ListFilter {
  /** Folded; each must begin a word of e-mail or name. */
  readonly words: readonly string[];
  readonly role?: Role;
  readonly status?: Exclude<UserStatus, 'deleted'>;
}

type Filter = QueryFilter<UserDocument>;

const VISIBLE: Filter['status'] = { $in: ['active', 'suspended'] };
const ID = /^[\da-f]{24}$/;

/** Users as MongoDB keeps them. Deleted ones are in no answer. */
@Injectable()
export class UsersRepository {
  constructor(
    @InjectModel(USER_MODEL) private readonly model: Model<UserDocument>,
    private readonly config: AppConfig,
  ) {}

  newId(): string {
    return new mongoose.Types.ObjectId().toHexString();
  }

  /** @throws EmailTaken */
  async insert({ user, events }: Decision): Promise<void> {
    const pendingAt = events[0]?.notBefore;
    try {
      await this.model.create({
        _id: new mongoose.Types.ObjectId(user.id),
        ...stored(user),
        emailKey: emailKey(user.email),
        terms: searchTerms(user),
        createdAt: user.createdAt,
        pending: [...events],
        pendingAt,
      });
    } catch (error) {
      if (duplicateKey(error)?.keys.includes('emailKey')) throw new EmailTaken();
      throw error;
    }
  }

  async findById(id: string): Promise<User | undefined> {
    if (!ID.test(id)) return undefined;
    return this.findOne({ _id: new mongoose.Types.ObjectId(id) });
  }

  async findByEmail(email: string): Promise<User | undefined> {
    return this.findOne({ emailKey: emailKey(email) });
  }

  /** Puts what was decided in the place of what was read; false when somebody else wrote in between. */
  async replace(read: User, { user, events }: Decision): Promise<boolean> {
    const gone = user.status === 'deleted';
    const update = {
      $set: {
        ...stored(user),
        terms: gone ? [] : searchTerms(user),
        ...(gone ? {} : { emailKey: emailKey(user.email) }),
      },
      ...(gone ? { $unset: { emailKey: 1 } } : {}),
      ...pushEvents(events),
    };
    const filter = { _id: read.id, version: read.version, status: VISIBLE };
    return (await this.model.findOneAndUpdate(filter, update, { projection: { _id: 1 } }).lean()) !== null;
  }

  /** Newest first; for an admin to look at, and as old as `MONGODB_READ_PREFERENCE` allows. */
  async list(filter: ListFilter, limit: number, after?: ListPosition): Promise<User[]> {
    const found = await this.model
      .find(listFilter(filter, after))
      .sort({ createdAt: -1, _id: -1 })
      .limit(limit)
      .read(this.config.mongo.readPreference)
      .lean();
    return found.map(toUser);
  }

  /** For an admin to look at, like the list. */
  async count({ status, createdSince }: { status?: UserStatus; createdSince?: Date }): Promise<number> {
    const since = createdSince ? { createdAt: { $gte: createdSince } } : {};
    return this.model.countDocuments({ status: status ?? VISIBLE, ...since }).read(this.config.mongo.readPreference);
  }

  /** As it is now: whether an admin may go hangs on it. */
  async countActiveAdmins(): Promise<number> {
    return this.model.countDocuments({ status: 'active', role: 'admin' });
  }

  /** Deleted users whose purge is not over. */
  async listDeleted(): Promise<Pick<User, 'id' | 'version'>[]> {
    const found = await this.model.find({ status: 'deleted' }, { version: 1 }).lean();
    return found.map(({ _id, version }) => ({ id: String(_id), version }));
  }

  /** By the driver: a sign-in asks twice, and Mongoose would cost more than the question. */
  private async findOne(key: { _id: Types.ObjectId } | { emailKey: string }): Promise<User | undefined> {
    const visible = { ...key, status: VISIBLE };
    const found = await this.model.collection.findOne<UserDocument>(visible, readOptions(this.model));
    return found ? toUser(found) : undefined;
  }
}

function listFilter({ words, role, status }: ListFilter, after?: ListPosition): Filter {
  const conditions: Filter[] = words.map((word) => ({ terms: { $regex: `^${word}` } }));
  if (after) {
    const { createdAt, id } = after;
    conditions.push({ $or: [{ createdAt: { $lt: createdAt } }, { createdAt, _id: { $lt: id } }] });
  }
  return {
    status: status ?? VISIBLE,
    ...(role ? { role } : {}),
    // Bounds the walk over the index, which an `$or` alone does not.
    ...(after ? { createdAt: { $lte: after.createdAt } } : {}),
    ...(conditions.length > 0 ? { $and: conditions } : {}),
  };
}

/** What a later write replaces. */
function stored(user: User): Omit<User, 'id' | 'createdAt'> {
  const { id: _id, createdAt: _createdAt, ...fields } = user;
  return fields;
}

function toUser({ _id, mailedTokens = [], ...document }: Omit<UserDocument, '_id'> & { _id: unknown }): User {
  const { emailKey: _key, terms: _terms, pending: _pending, pendingAt: _at, delivery: _delivery, ...user } = document;
  return { id: String(_id), ...user, mailedTokens };
}
