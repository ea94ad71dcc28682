import { Body, Controller, Header, HttpCode, Post, Req, Res } from '@nestjs/common';
import { ApiBearerAuth, ApiBody, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { InputInvalid } from '../../core/errors/core.errors.js';
import { DomainError } from '../../core/errors/domain-error.js';
import { AnswerHeaders } from '../../core/openapi/answer-headers.decorator.js';
import { Problems } from '../../core/openapi/problems.decorator.js';
import { Public } from '../../core/security/access.js';
import { CurrentUser, type Principal } from '../../core/security/principal.js';
import { EmailTaken } from '../users/index.js';
import { Credentials, PasswordChange, RefreshRequest, Registration } from './auth.dto.js';
import { AccountSuspended, CredentialsInvalid, RefreshInvalid, RefreshMissing, RefreshReused } from './auth.errors.js';
import { AuthService, type SignedIn } from './auth.service.js';
import { signedInView, SignedInView } from './auth.view.js';
import { deviceOf } from './device.js';
import { LoginBudget } from './login-budget.js';
import { RefreshCookie } from './refresh-cookie.js';
import { Sessions } from './sessions.service.js';

const REFRESH_EXAMPLES = {
  cookie: { summary: 'From a browser, which sends its cookie', value: {} },
  body: { summary: 'From a client without cookies', value: { refreshToken: 'what the answer before this one said' } },
};
const SET_COOKIE = 'The refresh token, unless the body asked for it or brought it.';

@ApiTags('auth')
@Controller('auth')
export class AuthController {
  constructor(
    private readonly auth: AuthService,
    private readonly sessions: Sessions,
    private readonly budget: LoginBudget,
    private readonly cookie: RefreshCookie,
  ) {}

  /** Makes an account and signs it in. */
  @Public()
  @Post('register')
  @Problems(EmailTaken)
  @AnswerHeaders({ 'Set-Cookie': SET_COOKIE })
  @Header('cache-control', 'no-store')
  async register(
    @Body() registration: Registration,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<SignedInView> {
    await this.budget.spend(registration.email, request, reply);
    return this.answer(reply, await this.auth.register(registration, deviceOf(request)), registration.refreshIn);
  }

  /** Signs in. A wrong e-mail and a wrong password get the same answer. */
  @Public()
  @Post('login')
  @Problems(CredentialsInvalid, AccountSuspended)
  @AnswerHeaders({ 'Set-Cookie': SET_COOKIE })
  @HttpCode(200)
  @Header('cache-control', 'no-store')
  async login(
    @Body() credentials: Credentials,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<SignedInView> {
    await this.budget.spend(credentials.email, request, reply);
    return this.answer(reply, await this.auth.login(credentials, deviceOf(request)), credentials.refreshIn);
  }

  /** Exchanges the refresh token, from the cookie or the body, for a new one and a new access token. */
  @Public()
  @Post('refresh')
  @ApiBody({ type: RefreshRequest, required: false, examples: REFRESH_EXAMPLES })
  @Problems(RefreshMissing, RefreshInvalid, RefreshReused, AccountSuspended)
  @AnswerHeaders({ 'Set-Cookie': SET_COOKIE })
  @HttpCode(200)
  @Header('cache-control', 'no-store')
  async refresh(
    @Body() { refreshToken: inBody }: RefreshRequest,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<SignedInView> {
    const inCookie = this.cookie.read(request);
    if (inCookie !== undefined && inBody !== undefined) throw ambiguous();
    const presented = inBody ?? inCookie;
    if (!presented) throw new RefreshMissing();
    const signedIn = await this.auth.refresh(presented, deviceOf(request)).catch((error: unknown) => {
      // A worthless cookie must not come back with every request. A store that is away makes none worthless.
      if (error instanceof DomainError && error.kind === 'unauthenticated' && inCookie) this.cookie.clear(reply);
      throw error;
    });
    return this.answer(reply, signedIn, inBody ? 'body' : 'cookie');
  }

  /** Ends this session: its tokens are refused from here on. */
  @ApiBearerAuth('bearer')
  @Post('logout')
  @HttpCode(204)
  async logout(
    @CurrentUser() { userId, sessionId }: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<void> {
    await this.sessions.signOut(userId, sessionId);
    this.cookie.clear(reply);
  }

  /** Ends all your sessions. */
  @ApiBearerAuth('bearer')
  @Post('logout-all')
  @HttpCode(204)
  async logoutAll(
    @CurrentUser() { userId }: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<void> {
    await this.auth.logoutAll(userId);
    this.cookie.clear(reply);
  }

  /** Sets a new password. Every other session ends, this one stays. */
  @ApiBearerAuth('bearer')
  @Post('change-password')
  @HttpCode(204)
  async changePassword(
    @CurrentUser() user: Principal,
    @Body() change: PasswordChange,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<void> {
    await this.budget.spendSignedIn(request, reply);
    await this.auth.changePassword(user, change);
  }

  private answer(reply: FastifyReply, signedIn: SignedIn, refreshIn: 'cookie' | 'body' = 'cookie'): SignedInView {
    if (refreshIn === 'cookie') this.cookie.set(reply, signedIn.refreshToken);
    return signedInView(signedIn, refreshIn === 'body');
  }
}

const ambiguous = (): Error =>
  new InputInvalid({
    errors: [{ pointer: '/refreshToken', code: 'ambiguous', message: 'came in the cookie and in the body' }],
  });
