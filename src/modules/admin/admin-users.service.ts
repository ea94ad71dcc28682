import { Injectable } from '@nestjs/common';
import { Sessions } from '../auth/index.js';
import { UserNotFound, UsersService, type AdminActor, type StandingChange, type User } from '../users/index.js';
import { AuditLog } from './audit-log.js';

/**
 * What admins do to users. The change and its event are one write; the end of the sessions and the audit entry follow
 * at once, and a listener repeats both if the process dies in between.
 */
@Injectable()
export class AdminUsersService {
  constructor(
    private readonly users: UsersService,
    private readonly sessions: Sessions,
    private readonly audit: AuditLog,
  ) {}

  /** @throws UserNotFound */
  async get(id: string): Promise<User> {
    const user = await this.users.findById(id);
    if (!user) throw new UserNotFound();
    return user;
  }

  /** Role and status. @throws UserNotFound, LastAdmin */
  async change(id: string, change: StandingChange, by: AdminActor): Promise<User> {
    const { user, events } = await this.users.changeByAdmin(id, change, by);
    if (events.length > 0 && user.status === 'suspended') await this.sessions.endAllRefused(id);
    await this.audit.recordAll(events);
    return user;
  }

  /** Ends every session of the user. @throws UserNotFound */
  async revokeSessions(id: string, by: AdminActor): Promise<void> {
    const { events } = await this.users.raiseVersionByAdmin(id, by);
    await this.sessions.endAllRefused(id);
    await this.audit.recordAll(events);
  }
}
