import { EventBus } from '../../src/core/events/event-bus.js';
import { OneTimeTokens } from '../../src/core/security/one-time-tokens.js';
import {
  UserEmailVerificationRequested,
  UserPasswordResetRequested,
  type MailedTokenPurpose,
} from '../../src/modules/users/index.js';
import type { TestApp } from './app.js';
import { eventually } from './eventually.js';

type Request = UserPasswordResetRequested | UserEmailVerificationRequested;

/** What whoever writes the mails is told, in the order in which it is: the tokens that people get. */
export class MailedTokensOf {
  private readonly requests = new Map<string, Request>();

  /** @param others on the same database: any of them may be the one that is told */
  constructor(
    private readonly app: TestApp,
    others: readonly TestApp[] = [],
  ) {
    for (const one of [app, ...others].flatMap(({ apps }) => apps))
      for (const type of [UserPasswordResetRequested, UserEmailVerificationRequested] as const)
        one.get(EventBus).on<Request>('auth', type, (event) => {
          this.requests.set(event.eventId, event);
          return Promise.resolve();
        });
  }

  /** All for a user so far. */
  of(userId: string, purpose: MailedTokenPurpose): string[] {
    const type = purpose === 'reset_password' ? UserPasswordResetRequested : UserEmailVerificationRequested;
    return [...this.requests.values()]
      .filter((request) => request.userId === userId && request instanceof type)
      .map(({ tokenId }) => this.app.app.get(OneTimeTokens).tokenOf(purpose, tokenId));
  }

  /** The first so many, once they have come. */
  first(count: number, userId: string, purpose: MailedTokenPurpose): Promise<string[]> {
    return eventually(() => {
      const tokens = this.of(userId, purpose);
      if (tokens.length < count) throw new Error(`${tokens.length} of ${count} tokens for ${purpose} have come`);
      return tokens;
    });
  }
}
