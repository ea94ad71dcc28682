import { Injectable } from '@nestjs/common';
import { v7 as uuidv7 } from 'uuid';
import { CursorInvalid } from '../../core/errors/core.errors.js';
import { fromPending, type PendingEvent } from '../../core/events/domain-event.js';
import { CursorCodec } from '../../core/paging/cursor.js';
import { DEFAULT_PAGE_LIMIT, type Page } from '../../core/paging/page.js';
import { Clock } from '../../core/time/clock.js';
import type { AdminActor } from '../users/index.js';
import { AUDITED_EVENTS, auditEntry, type AuditAction, type AuditedEvent, type AuditEntry } from './audit.js';
import { AuditRepository, type AuditFilter, type AuditPosition } from './audit.repository.js';

/** Who did what to whom. */
@Injectable()
export class AuditLog {
  constructor(
    private readonly entries: AuditRepository,
    private readonly cursors: CursorCodec,
    private readonly clock: Clock,
  ) {}

  /** Records what an admin did, if it was one; again is the same as once. */
  async record(event: AuditedEvent): Promise<void> {
    const entry = auditEntry(event);
    if (entry) await this.entries.insert(entry);
  }

  /** The same for what was just written. */
  async recordAll(events: readonly PendingEvent[]): Promise<void> {
    for (const pending of events) {
      const type = AUDITED_EVENTS.find(({ eventName }) => eventName === pending.name);
      if (type) await this.record(fromPending(type, pending));
    }
  }

  /** Records what an admin does and no event tells of. */
  async note(action: AuditAction, target: string, by: AdminActor): Promise<void> {
    const entry = { id: uuidv7(), at: this.clock.now(), actor: by.id, action, target, ip: by.ip ?? null };
    await this.entries.insert({ ...entry, before: null, after: null });
  }

  /**
   * Newest first.
   * @param askedBy the admin, to whom the cursor is bound
   * @throws CursorInvalid
   */
  async list(
    { actor, action, cursor, limit = DEFAULT_PAGE_LIMIT }: AuditFilter & { cursor?: string; limit?: number },
    askedBy: string,
  ): Promise<Page<AuditEntry>> {
    const binding = ['audit', askedBy, actor ?? null, action ?? null];
    const after = cursor === undefined ? undefined : this.position(binding, cursor);
    const found = await this.entries.list({ actor, action }, limit + 1, after);
    const items = found.slice(0, limit);
    const last = items.at(-1);
    const more = found.length > limit && last;
    return { items, nextCursor: more ? this.cursors.encode(binding, [last.at.getTime(), last.id]) : null };
  }

  /** The log keeps what somebody did, and not from where, once they are gone. */
  forgetAddressesOf(actor: string): Promise<void> {
    return this.entries.blankAddressesOf(actor);
  }

  private position(binding: readonly unknown[], cursor: string): AuditPosition {
    const [at, id] = this.cursors.decode(binding, cursor) as [unknown, unknown];
    if (typeof at !== 'number' || typeof id !== 'string') throw new CursorInvalid();
    return { at: new Date(at), id };
  }
}
