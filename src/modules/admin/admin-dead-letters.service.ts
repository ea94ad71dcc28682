import { Injectable } from '@nestjs/common';
import { CursorInvalid } from '../../core/errors/core.errors.js';
import { DeadLetters, type DeadLetter, type DeadLetterPosition } from '../../core/events/dead-letters.js';
import { storeFailure } from '../../core/mongo/store-failure.js';
import { CursorCodec } from '../../core/paging/cursor.js';
import { DEFAULT_PAGE_LIMIT, type Page } from '../../core/paging/page.js';
import type { AdminActor } from '../users/index.js';
import { DeadLetterFailed, DeadLetterNotFound } from './admin.errors.js';
import type { AuditAction } from './audit.js';
import { AuditLog } from './audit-log.js';

/** What was given up, in an admin's hands. What they do is written down before it is done. */
@Injectable()
export class AdminDeadLettersService {
  constructor(
    private readonly letters: DeadLetters,
    private readonly cursors: CursorCodec,
    private readonly audit: AuditLog,
  ) {}

  /**
   * Newest first.
   * @param askedBy the admin, to whom the cursor is bound
   * @throws CursorInvalid
   */
  async list(
    { cursor, limit = DEFAULT_PAGE_LIMIT }: { cursor?: string; limit?: number },
    askedBy: string,
  ): Promise<Page<DeadLetter>> {
    const binding = ['dead letters', askedBy];
    const after = cursor === undefined ? undefined : this.position(binding, cursor);
    const found = await this.letters.list(limit + 1, after);
    const items = found.slice(0, limit);
    const last = items.at(-1);
    const more = found.length > limit && last;
    return { items, nextCursor: more ? this.cursors.encode(binding, [last.at.getTime(), last.id]) : null };
  }

  /** @throws DeadLetterNotFound; DeadLetterFailed, and then it stays */
  async retry(id: string, by: AdminActor): Promise<void> {
    await this.note('dead_letter.retried', id, by);
    const isThere = await this.letters.retry(id).catch((error: unknown) => {
      throw storeFailure(error) ?? new DeadLetterFailed();
    });
    if (!isThere) throw new DeadLetterNotFound();
  }

  /** @throws DeadLetterNotFound */
  async drop(id: string, by: AdminActor): Promise<void> {
    await this.note('dead_letter.dropped', id, by);
    if (!(await this.letters.drop(id))) throw new DeadLetterNotFound();
  }

  private async note(action: AuditAction, id: string, by: AdminActor): Promise<void> {
    if (!(await this.letters.find(id))) throw new DeadLetterNotFound();
    await this.audit.note(action, id, by);
  }

  private position(binding: readonly unknown[], cursor: string): DeadLetterPosition {
    const [at, id] = this.cursors.decode(binding, cursor) as [unknown, unknown];
    if (typeof at !== 'number' || typeof id !== 'string') throw new CursorInvalid();
    return { at: new Date(at), id };
  }
}
