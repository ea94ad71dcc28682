import { Body, Controller, HttpCode, Post, Req, Res } from '@nestjs/common';
import { ApiBearerAuth, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { WriteContended } from '../../core/errors/core.errors.js';
import { Problems } from '../../core/openapi/problems.decorator.js';
import { Public } from '../../core/security/access.js';
import { CurrentUser, type Principal } from '../../core/security/principal.js';
import { AccountMail } from './account-mail.service.js';
import { EmailVerification, ForgottenPassword, PasswordReset } from './auth.dto.js';
import { OneTimeTokenInvalid } from './auth.errors.js';
import { LoginBudget } from './login-budget.js';

@ApiTags('auth')
@Controller('auth')
export class AccountMailController {
  constructor(
    private readonly mail: AccountMail,
    private readonly budget: LoginBudget,
  ) {}

  /**
   * Mails a token for a new password, if there is an active account with this address: up to three in half an hour. The
   * answer does not tell.
   */
  @Public()
  @Post('forgot-password')
  @Problems(WriteContended)
  @HttpCode(202)
  async forgotPassword(
    @Body() { email }: ForgottenPassword,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<void> {
    await this.budget.spend(email, request, reply);
    await this.mail.forgotPassword(email);
  }

  /** Sets a new password with a token from a mail. Every session ends. */
  @Public()
  @Post('reset-password')
  @Problems(OneTimeTokenInvalid, WriteContended)
  @HttpCode(204)
  async resetPassword(
    @Body() { token, newPassword }: PasswordReset,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<void> {
    await this.budget.spendForToken('reset_password', token, request, reply);
    await this.mail.resetPassword(token, newPassword);
  }

  /** Confirms the address to which the token was mailed. */
  @Public()
  @Post('verify-email')
  @Problems(OneTimeTokenInvalid, WriteContended)
  @HttpCode(204)
  async verifyEmail(
    @Body() { token }: EmailVerification,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<void> {
    await this.budget.spendForToken('verify_email', token, request, reply);
    await this.mail.verifyEmail(token);
  }

  /** Mails another token to confirm your address, unless it is confirmed: up to three in half an hour. */
  @ApiBearerAuth('bearer')
  @Post('resend-verification')
  @Problems(WriteContended)
  @HttpCode(202)
  async resendVerification(
    @CurrentUser() { userId }: Principal,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<void> {
    await this.budget.spendSignedIn(request, reply);
    await this.mail.resendVerification(userId);
  }
}
