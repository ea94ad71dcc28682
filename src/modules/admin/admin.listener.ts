import { Injectable, type OnModuleInit } from '@nestjs/common';
import { EventBus } from '../../core/events/event-bus.js';
import { Revocations } from '../../core/security/revocations.js';
import { Sessions } from '../auth/index.js';
import { BOOTSTRAP, UserDeleted, UserPurgeDue, UserStandingChanged } from '../users/index.js';
import { AUDITED_EVENTS } from './audit.js';
import { AuditLog } from './audit-log.js';

/** Finishes what an admin's request, or the bootstrap, began and did not get to the end of. */
@Injectable()
export class AdminListener implements OnModuleInit {
  constructor(
    private readonly bus: EventBus,
    private readonly audit: AuditLog,
    private readonly revocations: Revocations,
    private readonly sessions: Sessions,
  ) {}

  onModuleInit(): void {
    for (const type of AUDITED_EVENTS) this.bus.on('admin', type, (event) => this.audit.record(event));
    this.bus.on('admin', UserStandingChanged, (event) => this.endOldTokens(event));
    this.bus.on('admin', UserDeleted, ({ userId }) => this.audit.forgetAddressesOf(userId));
    this.bus.on('admin', UserPurgeDue, ({ userId }) => this.audit.forgetAddressesOf(userId));
  }

  /** Tokens carry the role, so that an old one would keep it until it expires. */
  private async endOldTokens({ userId, version, by, at }: UserStandingChanged): Promise<void> {
    await this.revocations.raiseVersion(userId, version);
    if (by.id === BOOTSTRAP.id) await this.sessions.endAll(userId, { openedUntil: at });
  }
}
