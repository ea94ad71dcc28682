import { ApiProperty } from '@nestjs/swagger';
import type { Page } from '../../core/paging/page.js';
import type { Role } from '../../core/security/principal.js';
import { userView, UserView, type User } from '../users/index.js';
import { AUDIT_ACTIONS, type AuditAction, type AuditEntry } from './audit.js';

/** A page of users; `nextCursor` is null on the last one. */
export class UserPageView {
  @ApiProperty({ type: [UserView] }) items: readonly UserView[];
  @ApiProperty({ type: String, nullable: true }) nextCursor: string | null;
}

export class AuditActorView {
  /** Id of the admin; null: the program itself, at its first start. */
  @ApiProperty({ type: String, nullable: true }) id: string | null;
}

export class AuditTargetView {
  /** Id of the user, or of the dead letter. */
  id: string;
}

export class StandingView {
  role: 'user' | 'admin';
  status: 'active' | 'suspended';
}

export class AuditEntryView {
  /** @example '0192f0c1-2b7e-7c55-9d3a-6f2f8d0e4b11' */
  id: string;
  at: Date;
  actor: AuditActorView;
  @ApiProperty({ enum: AUDIT_ACTIONS }) action: AuditAction;
  target: AuditTargetView;
  /** Null for the program itself, and once the actor's account is deleted. */
  @ApiProperty({ type: String, nullable: true, example: '192.0.2.7' }) ip: string | null;
  /** Null where there is nothing to compare. */
  before: StandingView | null;
  after: StandingView | null;
}

/** Newest first; `nextCursor` is null on the last page. */
export class AuditPageView {
  @ApiProperty({ type: [AuditEntryView] }) items: readonly AuditEntryView[];
  @ApiProperty({ type: String, nullable: true }) nextCursor: string | null;
}

export const userPageView = ({ items, nextCursor }: Page<User>): UserPageView => ({
  items: items.map(userView),
  nextCursor,
});

export const auditPageView = ({ items, nextCursor }: Page<AuditEntry>): AuditPageView => ({
  items: items.map(auditEntryView),
  nextCursor,
});

const auditEntryView = (entry: AuditEntry): AuditEntryView => ({
  id: entry.id,
  at: entry.at,
  actor: { id: entry.actor },
  action: entry.action,
  target: { id: entry.target },
  ip: entry.ip,
  before: standing(entry.before),
  after: standing(entry.after),
});

const standing = (given: { role: Role; status: StandingView['status'] } | null): StandingView | null =>
  given && { role: given.role, status: given.status };
