import { Injectable, type OnModuleInit } from '@nestjs/common';
import { EventBus } from '../../core/events/event-bus.js';
import {
  BOOTSTRAP,
  UserDeleted,
  UserPasswordChanged,
  UserPurgeDue,
  UserSignedOutEverywhere,
  UserStandingChanged,
} from '../users/index.js';
import { Sessions } from './sessions.service.js';

/**
 * Ends sessions for what happened to their user. The request does the same at once; this is for the request that did
 * not get that far. What was opened after the event stays.
 */
@Injectable()
export class SessionsListener implements OnModuleInit {
  constructor(
    private readonly bus: EventBus,
    private readonly sessions: Sessions,
  ) {}

  onModuleInit(): void {
    this.bus.on('auth', UserDeleted, ({ userId }) => this.sessions.endAll(userId));
    this.bus.on('auth', UserPurgeDue, ({ userId }) => this.sessions.endAll(userId));
    this.bus.on('auth', UserSignedOutEverywhere, ({ userId, at }) => this.sessions.endAll(userId, { openedUntil: at }));
    this.bus.on('auth', UserPasswordChanged, ({ userId, at, keptSessionId }) =>
      this.sessions.endAll(userId, { openedUntil: at, except: keptSessionId }),
    );
    this.bus.on('auth', UserStandingChanged, async ({ userId, at, after, by }) => {
      // The bootstrap gives the account a new password.
      if (after.status === 'suspended' || by.id === BOOTSTRAP.id)
        await this.sessions.endAll(userId, { openedUntil: at });
    });
  }
}
