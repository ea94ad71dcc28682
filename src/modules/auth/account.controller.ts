import { Body, Controller, Delete, HttpCode, Req, Res } from '@nestjs/common';
import { ApiBearerAuth, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Problems } from '../../core/openapi/problems.decorator.js';
import { CurrentUser, type Principal } from '../../core/security/principal.js';
import { LastAdmin } from '../users/index.js';
import { AccountDeletion } from './auth.dto.js';
import { AuthService } from './auth.service.js';
import { LoginBudget } from './login-budget.js';
import { RefreshCookie } from './refresh-cookie.js';

/** Here and not with the other user routes, because it asks for the password and ends sessions. */
@ApiTags('users')
@ApiBearerAuth('bearer')
@Controller('users/me')
export class AccountController {
  constructor(
    private readonly auth: AuthService,
    private readonly budget: LoginBudget,
    private readonly cookie: RefreshCookie,
  ) {}

  /** Deletes your account and everything in it. */
  @Delete()
  @HttpCode(204)
  @Problems(LastAdmin)
  async delete(
    @CurrentUser() { userId }: Principal,
    @Body() { password }: AccountDeletion,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<void> {
    await this.budget.spendSignedIn(request, reply);
    await this.auth.deleteAccount(userId, password);
    this.cookie.clear(reply);
  }
}
