import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { AppConfig } from '../../config/config.js';
import { DatabaseReadiness } from '../../core/mongo/database-readiness.js';
import { Passwords, Sessions } from '../auth/index.js';
import { UsersService } from '../users/index.js';
import { AuditLog } from './audit-log.js';

/**
 * Makes the first admin from `BOOTSTRAP_ADMIN_EMAIL` and `BOOTSTRAP_ADMIN_PASSWORD` while there is none, before the
 * process takes requests. Of processes that start together one does it; afterwards the variables are ignored.
 */
@Injectable()
export class FirstAdmin implements OnModuleInit {
  private readonly logger = new Logger(FirstAdmin.name);

  constructor(
    private readonly config: AppConfig,
    private readonly readiness: DatabaseReadiness,
    private readonly users: UsersService,
    private readonly passwords: Passwords,
    private readonly sessions: Sessions,
    private readonly audit: AuditLog,
  ) {}

  onModuleInit(): void {
    this.readiness.onFirstContact('first admin', () => this.make());
  }

  private async make(): Promise<void> {
    const { bootstrapAdmin } = this.config;
    if (!bootstrapAdmin || (await this.users.countActiveAdmins()) > 0) return;
    const { email, password } = bootstrapAdmin;
    const passwordHash = await this.passwords.hash(password);
    const made = await this.users.makeFirstAdmin({ email, name: 'Administrator', passwordHash });
    if (!made) return;
    await this.sessions.endAllRefused(made.user.id);
    await this.audit.recordAll(made.events);
    this.logger.log(`User ${made.user.id} is the first admin.`);
  }
}
