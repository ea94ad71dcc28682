import { Body, Controller, Get, HttpCode, Param, Patch, Post, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { Cached } from '../../core/cache/cache.interceptor.js';
import { Problems } from '../../core/openapi/problems.decorator.js';
import { Paged } from '../../core/paging/page.js';
import { RequireRole } from '../../core/security/access.js';
import { CurrentUser, type Principal } from '../../core/security/principal.js';
import { LastAdmin, UserDirectory, UserNotFound, userView, UserView, type AdminActor } from '../users/index.js';
import { ActingAdmin } from './acting-admin.js';
import { AdminStatsService } from './admin-stats.service.js';
import { AdminStatsView } from './admin-stats.view.js';
import { AdminUsersService } from './admin-users.service.js';
import { adminCache } from './admin.cache.js';
import { ChangeUser, ListAudit, ListUsers } from './admin.dto.js';
import { AuditPageView, auditPageView, UserPageView, userPageView } from './admin.view.js';
import { AuditLog } from './audit-log.js';

@ApiTags('admin')
@RequireRole('admin')
@Controller('admin')
export class AdminController {
  constructor(
    private readonly numbers: AdminStatsService,
    private readonly directory: UserDirectory,
    private readonly users: AdminUsersService,
    private readonly audit: AuditLog,
  ) {}

  /** Users and tasks in numbers, at most a minute old. */
  @Get('stats')
  @Cached(adminCache.stats)
  stats(): Promise<AdminStatsView> {
    return this.numbers.stats();
  }

  /** All users, the newest first. */
  @Get('users')
  @Paged()
  async listUsers(@CurrentUser() { userId }: Principal, @Query() query: ListUsers): Promise<UserPageView> {
    return userPageView(await this.directory.list(query, userId));
  }

  /** One user. */
  @Get('users/:id')
  @Problems(UserNotFound)
  async getUser(@Param('id') id: string): Promise<UserView> {
    return userView(await this.users.get(id));
  }

  /** Changes role or status; what is absent stays. The last active admin can be neither demoted nor suspended. */
  @Patch('users/:id')
  @Problems(UserNotFound, LastAdmin)
  async changeUser(
    @ActingAdmin() by: AdminActor,
    @Param('id') id: string,
    @Body() change: ChangeUser,
  ): Promise<UserView> {
    return userView(await this.users.change(id, change, by));
  }

  /** Ends every session of the user: their tokens are refused from here on. */
  @Post('users/:id/revoke-sessions')
  @HttpCode(204)
  @Problems(UserNotFound)
  async revokeSessions(@ActingAdmin() by: AdminActor, @Param('id') id: string): Promise<void> {
    await this.users.revokeSessions(id, by);
  }

  /** Who did what to whom, the newest first. */
  @Get('audit')
  @Paged()
  async listAudit(@CurrentUser() { userId }: Principal, @Query() query: ListAudit): Promise<AuditPageView> {
    return auditPageView(await this.audit.list(query, userId));
  }
}
