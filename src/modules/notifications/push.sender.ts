import { Injectable } from '@nestjs/common';
import { createHash } from 'node:crypto';
import { AppConfig } from '../../config/config.js';
import { Clock } from '../../core/time/clock.js';
import { UsersService } from '../users/index.js';
import { PartlySent, Undeliverable, type Outcome, type Sender } from './channel.js';
import type { Claim } from './delivery.js';
import { isAboutTask, type TaskNotification } from './notification.js';
import { PushClient, type PushMessage } from './push/push-client.js';
import type { PushSubscription } from './push/push-subscription.js';
import { PushSubscriptionsRepository } from './push/push-subscriptions.repository.js';
import { StillOpen } from './still-open.js';
import { inWords } from './templates/task-mails.js';

const DAY_SECONDS = 24 * 60 * 60;
/** There is no such subscription any more (RFC 8030 §7.3). */
const GONE = new Set([404, 410]);
/** Not now; anything else that is no success will not be better later. */
const isTemporary = (status: number): boolean => status === 429 || status >= 500;

/** What came of a push to one device. */
interface Push {
  readonly id: string;
  readonly result: 'reached' | 'gone' | 'refused' | 'failed';
  readonly error?: string;
}

/** Tells by web push, on every device that the user has subscribed. */
@Injectable()
export class PushSender implements Sender {
  constructor(
    private readonly client: PushClient,
    private readonly subscriptions: PushSubscriptionsRepository,
    private readonly users: UsersService,
    private readonly stillOpen: StillOpen,
    private readonly clock: Clock,
    private readonly config: AppConfig,
  ) {}

  async send({ notification, reached }: Claim, signal: AbortSignal): Promise<Outcome> {
    if (!isAboutTask(notification) || !this.config.push) return 'skipped';
    const { owner } = notification;
    const user = await this.users.findById(owner);
    const waiting = (await this.subscriptions.of(owner)).filter(({ id }) => !reached.includes(id));
    if (user?.status !== 'active' || !(await this.stillOpen.is(notification))) return 'skipped';
    const message = this.messageOf(notification);
    const pushes = await Promise.all(waiting.map((subscription) => this.push(subscription, message, signal)));
    for (const { id, result } of pushes) if (result === 'gone') await this.subscriptions.remove(owner, id);
    return outcomeOf(pushes, reached);
  }

  private async push(subscription: PushSubscription, message: PushMessage, signal: AbortSignal): Promise<Push> {
    const { id } = subscription;
    try {
      const status = await this.client.send(subscription, message, signal);
      if (status < 300) return { id, result: 'reached' };
      if (GONE.has(status)) return { id, result: 'gone' };
      const error = `a push service answered ${status}`;
      return { id, result: isTemporary(status) ? 'failed' : 'refused', error };
    } catch (error) {
      return { id, result: 'failed', error: (error as Error).message };
    }
  }

  private messageOf({ id, kind, task, minutesBefore }: TaskNotification): PushMessage {
    const leftSeconds = Math.ceil((task.dueAt.getTime() - this.clock.now().getTime()) / 1000);
    const title = kind === 'overdue' ? 'Overdue' : `Due ${inWords(minutesBefore ?? 0)}`;
    return {
      payload: JSON.stringify({ id, kind, title, body: task.title, task, minutesBefore }),
      topic: createHash('sha256').update(id).digest('base64url').slice(0, 32),
      // Nobody wants to hear of a deadline to come once it has passed.
      ttlSeconds: leftSeconds > 0 ? leftSeconds : DAY_SECONDS,
    };
  }
}

/** @throws PartlySent when some may be reached later; Undeliverable when nobody was and nobody will be */
function outcomeOf(pushes: readonly Push[], before: readonly string[]): Outcome {
  const reached = [...before, ...pushes.filter(({ result }) => result === 'reached').map(({ id }) => id)];
  const failed = pushes.find(({ result }) => result === 'failed');
  if (failed) throw new PartlySent(reached, failed.error!);
  const refused = pushes.find(({ result }) => result === 'refused');
  if (refused && reached.length === 0) throw new Undeliverable(refused.error);
  return reached.length > 0 ? 'sent' : 'skipped';
}
