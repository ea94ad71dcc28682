import { Controller, Delete, Get, HttpCode, Param, Res } from '@nestjs/common';
import { ApiBearerAuth, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { Problems } from '../../core/openapi/problems.decorator.js';
import { CurrentUser, type Principal } from '../../core/security/principal.js';
import { SessionNotFound } from './auth.errors.js';
import { sessionListView, SessionListView } from './auth.view.js';
import { RefreshCookie } from './refresh-cookie.js';
import { Sessions } from './sessions.service.js';

@ApiTags('auth')
@ApiBearerAuth('bearer')
@Controller('auth/sessions')
export class SessionsController {
  constructor(
    private readonly sessions: Sessions,
    private readonly cookie: RefreshCookie,
  ) {}

  /** Where you are signed in; the session used last comes first. */
  @Get()
  async list(@CurrentUser() { userId, sessionId }: Principal): Promise<SessionListView> {
    return sessionListView(await this.sessions.list(userId), sessionId);
  }

  /** Ends one of your sessions. */
  @Delete(':id')
  @HttpCode(204)
  @Problems(SessionNotFound)
  async end(
    @CurrentUser() { userId, sessionId }: Principal,
    @Param('id') id: string,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<void> {
    await this.sessions.end(userId, id);
    if (id === sessionId) this.cookie.clear(reply);
  }
}
