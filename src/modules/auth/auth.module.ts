import { Module, type OnModuleInit } from '@nestjs/common';
import { MongooseModule } from '@nestjs/mongoose';
import { Background } from '../../core/events/background.js';
import { RequestRedis } from '../../core/redis/request-redis.js';
import { Clock } from '../../core/time/clock.js';
import { UsersModule } from '../users/index.js';
import { AccountMailController } from './account-mail.controller.js';
import { AccountMail } from './account-mail.service.js';
import { AccountController } from './account.controller.js';
import { AuthController } from './auth.controller.js';
import { AuthService } from './auth.service.js';
import { JwksController, WellKnownJwksController } from './jwks.controller.js';
import { LoginBudget } from './login-budget.js';
import { Passwords } from './passwords.js';
import { RedisSessionStore } from './redis-session.store.js';
import { RefreshCookie } from './refresh-cookie.js';
import { SessionLedger } from './session-ledger.repository.js';
import { SESSION_LEDGER_MODEL, sessionLedgerSchema } from './session-ledger.schema.js';
import { SessionRepository } from './session.repository.js';
import { SESSION_MODEL, sessionSchema } from './session.schema.js';
import { SessionStore } from './session.store.js';
import { SessionsController } from './sessions.controller.js';
import { SessionsListener } from './sessions.listener.js';
import { Sessions } from './sessions.service.js';

const FORGET_EVERY_MS = 5000;
const FORGET_ALL_EVERY_MS = 600_000;

@Module({
  imports: [
    UsersModule,
    MongooseModule.forFeature([
      { name: SESSION_MODEL, schema: sessionSchema },
      { name: SESSION_LEDGER_MODEL, schema: sessionLedgerSchema },
    ]),
  ],
  providers: [
    AccountMail,
    AuthService,
    LoginBudget,
    Passwords,
    RefreshCookie,
    Sessions,
    SessionsListener,
    SessionRepository,
    SessionLedger,
    {
      provide: SessionStore,
      inject: [{ token: RequestRedis, optional: true }, SessionRepository, SessionLedger],
      useFactory: (redis: RequestRedis | undefined, repository: SessionRepository, ledger: SessionLedger) =>
        redis ? new RedisSessionStore(redis, ledger) : repository,
    },
  ],
  exports: [AccountMail, AuthService, LoginBudget, Passwords, RefreshCookie, Sessions],
})
export class AuthModule implements OnModuleInit {
  constructor(
    private readonly background: Background,
    private readonly store: SessionStore,
    private readonly repository: SessionRepository,
    private readonly clock: Clock,
  ) {}

  onModuleInit(): void {
    if (this.store !== this.repository) {
      // Of a time without Redis. Left alone they would be good again after Redis, whatever was ended meanwhile.
      this.background.every('auth', 'forget sessions in MongoDB', FORGET_ALL_EVERY_MS, () =>
        this.repository.forgetAll(),
      );
      return;
    }
    this.background.every('auth', 'forget successors', FORGET_EVERY_MS, () =>
      this.repository.forgetSuccessors(this.clock.now()),
    );
  }
}

/** What `MODULES=auth` serves. */
@Module({
  imports: [AuthModule],
  controllers: [AuthController, AccountMailController, SessionsController, JwksController, WellKnownJwksController],
})
export class AuthRoutes {}

/** What `MODULES=users` serves besides its own: gateways tell modules apart by the path, and this one is `/users/me`. */
@Module({ imports: [AuthModule], controllers: [AccountController] })
export class AccountRoutes {}
