import { Injectable } from '@nestjs/common';
import { CursorInvalid } from '../../core/errors/core.errors.js';
import { CursorCodec } from '../../core/paging/cursor.js';
import { DEFAULT_PAGE_LIMIT, type Page } from '../../core/paging/page.js';
import { distinctWords } from '../../core/search/fold.js';
import type { Role } from '../../core/security/principal.js';
import { Clock } from '../../core/time/clock.js';
import type { User } from './user.js';
import { UsersRepository, type ListPosition } from './users.repository.js';

/** More words than a question has; each costs a look into the index. */
const MAX_WORDS = 10;
const WEEK_MS = 7 * 24 * 60 * 60 * 1000;

export interface UserQuery {
  /** Each word must begin a word of e-mail or name; case and accents do not matter. */
  readonly q?: string;
  readonly role?: Role;
  readonly status?: 'active' | 'suspended';
  readonly cursor?: string;
  readonly limit?: number;
}

export interface UserCounts {
  readonly total: number;
  readonly active: number;
  readonly suspended: number;
  readonly newLast7Days: number;
}

/** All users, for admins. */
@Injectable()
export class UserDirectory {
  constructor(
    private readonly users: UsersRepository,
    private readonly cursors: CursorCodec,
    private readonly clock: Clock,
  ) {}

  /**
   * Newest first.
   * @param askedBy the admin, to whom the cursor is bound
   * @throws CursorInvalid
   */
  async list(
    { q = '', role, status, cursor, limit = DEFAULT_PAGE_LIMIT }: UserQuery,
    askedBy: string,
  ): Promise<Page<User>> {
    const binding = ['users', askedBy, q, role ?? null, status ?? null];
    const after = cursor === undefined ? undefined : this.position(binding, cursor);
    const found = await this.users.list({ words: distinctWords([q], MAX_WORDS), role, status }, limit + 1, after);
    const items = found.slice(0, limit);
    const last = items.at(-1);
    const more = found.length > limit && last;
    return { items, nextCursor: more ? this.cursors.encode(binding, [last.createdAt.getTime(), last.id]) : null };
  }

  /** Deleted accounts do not count. */
  async counts(): Promise<UserCounts> {
    const createdSince = new Date(this.clock.now().getTime() - WEEK_MS);
    const [active, suspended, newLast7Days] = await Promise.all([
      this.users.count({ status: 'active' }),
      this.users.count({ status: 'suspended' }),
      this.users.count({ createdSince }),
    ]);
    return { total: active + suspended, active, suspended, newLast7Days };
  }

  private position(binding: readonly unknown[], cursor: string): ListPosition {
    const [createdAt, id] = this.cursors.decode(binding, cursor) as [unknown, unknown];
    if (typeof createdAt !== 'number' || typeof id !== 'string') throw new CursorInvalid();
    return { createdAt: new Date(createdAt), id };
  }
}
