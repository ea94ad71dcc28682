import type { DomainEvent, EventClass } from '../../core/events/domain-event.js';
import { BOOTSTRAP, UserSignedOutEverywhere, UserStandingChanged, type Standing } from '../users/index.js';

export const AUDIT_ACTIONS = [
  'admin.bootstrapped',
  'user.changed',
  'user.sessions_revoked',
  'dead_letter.retried',
  'dead_letter.dropped',
] as const;
export type AuditAction = (typeof AUDIT_ACTIONS)[number];

/** Who did what to whom. Ids, roles and statuses only: it outlives the people it tells of. */
export interface AuditEntry {
  /** The id of the event it records, if it records one, so that recording twice is recording once. */
  readonly id: string;
  readonly at: Date;
  /** Null: the program itself. */
  readonly actor: string | null;
  readonly action: AuditAction;
  readonly target: string;
  /** Null once the actor's account is deleted. */
  readonly ip: string | null;
  readonly before: Standing | null;
  readonly after: Standing | null;
}

export type AuditedEvent = UserStandingChanged | UserSignedOutEverywhere;

/** Whatever an admin can do to somebody. */
export const AUDITED_EVENTS: readonly EventClass<AuditedEvent>[] = [UserStandingChanged, UserSignedOutEverywhere];

/** Undefined when it was no admin who did it. */
export function auditEntry(event: DomainEvent): AuditEntry | undefined {
  if (event instanceof UserStandingChanged) {
    const { before, after } = event;
    const action = event.by.id === BOOTSTRAP.id ? 'admin.bootstrapped' : 'user.changed';
    return { ...entryOf(event, event.by), action, before, after };
  }
  if (event instanceof UserSignedOutEverywhere && event.by) {
    return { ...entryOf(event, event.by), action: 'user.sessions_revoked', before: null, after: null };
  }
  return undefined;
}

function entryOf(
  { eventId, at, userId }: AuditedEvent,
  by: { readonly id: string; readonly ip?: string },
): Pick<AuditEntry, 'id' | 'at' | 'actor' | 'target' | 'ip'> {
  return { id: eventId, at, actor: by.id === BOOTSTRAP.id ? null : by.id, target: userId, ip: by.ip ?? null };
}
