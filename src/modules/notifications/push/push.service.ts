import { Injectable } from '@nestjs/common';
import { AppConfig } from '../../../config/config.js';
import { InputInvalid } from '../../../core/errors/core.errors.js';
import { Clock } from '../../../core/time/clock.js';
import { PushSubscriptionNotFound, PushUnavailable } from '../notifications.errors.js';
import { PushClient } from './push-client.js';
import { subscriptionIdOf, type PushSubscription } from './push-subscription.js';
import { PushSubscriptionsRepository } from './push-subscriptions.repository.js';

export interface NewSubscription {
  readonly endpoint: string;
  readonly keys: { readonly p256dh: string; readonly auth: string };
}

/** The browsers in which a user wants to be told. */
@Injectable()
export class PushService {
  constructor(
    private readonly subscriptions: PushSubscriptionsRepository,
    private readonly client: PushClient,
    private readonly clock: Clock,
    private readonly config: AppConfig,
  ) {}

  /** @throws PushUnavailable */
  publicKey(): string {
    if (!this.config.push) throw new PushUnavailable();
    return this.config.push.publicKey;
  }

  /** The browser is nobody else's from here on. @throws PushUnavailable, InputInvalid */
  async subscribe(owner: string, { endpoint, keys }: NewSubscription): Promise<PushSubscription> {
    this.publicKey();
    if (!this.client.accepts(endpoint)) {
      const message = 'must be the https address of a push service';
      throw new InputInvalid({ errors: [{ pointer: '/endpoint', code: 'push_endpoint', message }] });
    }
    const subscription = { id: subscriptionIdOf(endpoint), owner, endpoint, ...keys, createdAt: this.clock.now() };
    await this.subscriptions.put(subscription);
    return subscription;
  }

  /** @throws PushSubscriptionNotFound */
  async unsubscribe(owner: string, id: string): Promise<void> {
    if (!(await this.subscriptions.remove(owner, id))) throw new PushSubscriptionNotFound();
  }
}
