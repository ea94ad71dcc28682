import { Controller, Delete, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { Problems } from '../../core/openapi/problems.decorator.js';
import { Paged } from '../../core/paging/page.js';
import { PageQuery } from '../../core/paging/page.dto.js';
import { RequireRole } from '../../core/security/access.js';
import { CurrentUser, type Principal } from '../../core/security/principal.js';
import type { AdminActor } from '../users/index.js';
import { ActingAdmin } from './acting-admin.js';
import { AdminDeadLettersService } from './admin-dead-letters.service.js';
import { DeadLetterFailed, DeadLetterNotFound } from './admin.errors.js';
import { DeadLetterPageView, deadLetterPageView } from './dead-letter.view.js';

@ApiTags('admin')
@RequireRole('admin')
@Controller('admin/dead-letters')
export class DeadLettersController {
  constructor(private readonly letters: AdminDeadLettersService) {}

  /** Events and deliveries that were given up after too many attempts, the newest first. */
  @Get()
  @Paged()
  async list(@CurrentUser() { userId }: Principal, @Query() query: PageQuery): Promise<DeadLetterPageView> {
    return deadLetterPageView(await this.letters.list(query, userId));
  }

  /** Tries it once more. If that fails it stays, with the new reason. */
  @Post(':id/retry')
  @HttpCode(204)
  @Problems(DeadLetterNotFound, DeadLetterFailed)
  async retry(@ActingAdmin() by: AdminActor, @Param('id') id: string): Promise<void> {
    await this.letters.retry(id, by);
  }

  /** Drops it: what it was about will not happen. */
  @Delete(':id')
  @HttpCode(204)
  @Problems(DeadLetterNotFound)
  async drop(@ActingAdmin() by: AdminActor, @Param('id') id: string): Promise<void> {
    await this.letters.drop(id, by);
  }
}
