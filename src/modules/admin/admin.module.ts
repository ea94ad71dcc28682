import { Module } from '@nestjs/common';
import { MongooseModule } from '@nestjs/mongoose';
import { AuthModule } from '../auth/index.js';
import { TasksModule } from '../tasks/index.js';
import { UsersModule } from '../users/index.js';
import { AdminStatsService } from './admin-stats.service.js';
import { AdminUsersService } from './admin-users.service.js';
import { AdminController } from './admin.controller.js';
import { AdminDeadLettersService } from './admin-dead-letters.service.js';
import { AdminListener } from './admin.listener.js';
import { AuditLog } from './audit-log.js';
import { AuditRepository } from './audit.repository.js';
import { AUDIT_MODEL, auditSchema } from './audit.schema.js';
import { DeadLettersController } from './dead-letters.controller.js';
import { FirstAdmin } from './first-admin.js';

@Module({
  imports: [
    UsersModule,
    TasksModule,
    AuthModule,
    MongooseModule.forFeature([{ name: AUDIT_MODEL, schema: auditSchema }]),
  ],
  providers: [
    AdminDeadLettersService,
    AdminListener,
    AdminStatsService,
    AdminUsersService,
    AuditLog,
    AuditRepository,
    FirstAdmin,
  ],
  exports: [AdminDeadLettersService, AdminStatsService, AdminUsersService, AuditLog],
})
export class AdminModule {}

/** What `MODULES=admin` serves. */
@Module({ imports: [AdminModule, UsersModule], controllers: [AdminController, DeadLettersController] })
export class AdminRoutes {}
