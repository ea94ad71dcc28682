import { Injectable } from '@nestjs/common';
import { Perishable } from '../../core/cache/perishable.js';
import { CursorInvalid, InputInvalid } from '../../core/errors/core.errors.js';
import { CursorCodec } from '../../core/paging/cursor.js';
import { DEFAULT_PAGE_LIMIT, type Page } from '../../core/paging/page.js';
import { Clock } from '../../core/time/clock.js';
import type { Task } from './task.js';
import type { TaskFilter } from './task-filter.js';
import { filterOf, orderOf, type ListTasks } from './task-list.dto.js';
import { TaskListRepository } from './task-list.repository.js';
import { positionOf, type TaskPosition } from './task-order.js';

/** What a cursor says. */
interface CursorBody extends TaskPosition {
  /** Milliseconds: the `now` of the first page, so that `overdue` means the same on all of them. */
  readonly now: number;
}

@Injectable()
export class TaskListService {
  constructor(
    private readonly lists: TaskListRepository,
    private readonly cursors: CursorCodec,
    private readonly clock: Clock,
  ) {}

  /** A page, good until a task that it would have to show becomes overdue. @throws CursorInvalid, InputInvalid */
  async list(owner: string, query: ListTasks): Promise<Perishable<Page<Task>>> {
    if (query.sort === 'relevance') return new Perishable(await this.best(owner, query), undefined);
    const binding = [owner, canonical(query)];
    const cursor = query.cursor === undefined ? undefined : (this.cursors.decode(binding, query.cursor) as CursorBody);
    const now = cursor ? new Date(cursor.now) : this.clock.now();
    const order = orderOf(query.sort);
    const limit = query.limit ?? DEFAULT_PAGE_LIMIT;
    // One more than asked for tells whether there is a next page.
    const found = await this.lists.page(owner, filterOf(query, now), order, limit + 1, cursor);
    const items = found.slice(0, limit);
    const last = found.length > limit ? items.at(-1) : undefined;
    const next: CursorBody | undefined = last && { ...positionOf(order, last), now: now.getTime() };
    const nextCursor = next ? this.cursors.encode(binding, next) : null;
    // Only first pages are kept, so only they need to know when time alone changes them.
    const until = query.overdue && !cursor ? await this.lists.nextDue(owner, now) : undefined;
    return new Perishable({ items, nextCursor }, until);
  }

  private async best(owner: string, query: ListTasks): Promise<Page<Task>> {
    if (query.q === undefined) {
      const errors = [
        { pointer: '/sort', code: 'needs_q', message: 'relevance is an order of search results: it needs q' },
      ];
      throw new InputInvalid({ errors });
    }
    // This order has one page, so every cursor belongs to another one.
    if (query.cursor !== undefined) throw new CursorInvalid();
    const filter: TaskFilter = filterOf(query, this.clock.now());
    return { items: await this.lists.best(owner, filter, query.limit ?? DEFAULT_PAGE_LIMIT), nextCursor: null };
  }
}

/** What a cursor is bound to besides its user: filters and order, the same however the query spells them. */
function canonical({ cursor: _cursor, limit: _limit, sort = '-createdAt', ...filters }: ListTasks): unknown {
  const entries = Object.entries(filters).filter(([, value]) => value !== undefined);
  const values = entries.map(([name, value]) => [name, Array.isArray(value) ? [...(value as string[])].sort() : value]);
  return [sort, values.sort(([a], [b]) => ((a as string) < (b as string) ? -1 : 1))];
}
