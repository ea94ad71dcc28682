import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { setTimeout as delay } from 'node:timers/promises';
import { Background } from '../../core/events/background.js';
import { DeadLetters } from '../../core/events/dead-letters.js';
import { JobQueue } from '../../core/jobs/job-queue.js';
import { LastSeen } from '../../core/metrics/last-seen.js';
import { Metrics } from '../../core/metrics/metrics.js';
import { storeFailure } from '../../core/mongo/store-failure.js';
import { Clock } from '../../core/time/clock.js';
import { within } from '../../core/time/within.js';
import { PartlySent, Undeliverable, type Outcome, type Sender } from './channel.js';
import { DeliveriesRepository } from './deliveries.repository.js';
import {
  CLAIM_MS,
  isSoon,
  jobIdOf,
  MAX_ATTEMPTS,
  pauseAfter,
  SEND_TIMEOUT_MS,
  type Claim,
  type DeliveryJob,
} from './delivery.js';
import { EmailSender } from './email.sender.js';
import { CHANNELS, type Channel, type Notification, type Route } from './notification.js';
import { PushSender } from './push.sender.js';

/** Of each channel in one process. */
const CONCURRENCY = 10;
const LOOK_EVERY_MS = 5000;
const BATCH = 500;
/** Milliseconds between the tries to write down that something was sent. */
const RECORD_PAUSES_MS = [50, 200, 500, 1000, 2000];

/**
 * Sends what is to be sent. The notification in MongoDB says what that is; a job is only the fastest way to it. Each
 * attempt is claimed before, and recorded after: what was sent is sent again only when the process dies in between.
 */
@Injectable()
export class Deliveries implements OnModuleInit {
  private readonly logger = new Logger('Deliveries');
  private readonly senders: Readonly<Record<Channel, Sender>>;
  private readonly attempts;
  private readonly waiting: Readonly<Record<Channel, LastSeen>> = { email: new LastSeen(), push: new LastSeen() };

  constructor(
    private readonly deliveries: DeliveriesRepository,
    private readonly jobs: JobQueue,
    private readonly background: Background,
    private readonly deadLetters: DeadLetters,
    private readonly clock: Clock,
    email: EmailSender,
    push: PushSender,
    metrics: Metrics,
  ) {
    this.senders = { email, push };
    const help = 'Attempts to send a notification, by how they ended';
    this.attempts = metrics.counter('taskflow_delivery_attempts_total', help, ['channel', 'result']);
    metrics.gauge('taskflow_deliveries_waiting', 'Notifications that are due to be sent', ['channel'], (gauge) => {
      for (const channel of CHANNELS) gauge.set({ channel }, this.waiting[channel].value);
    });
  }

  onModuleInit(): void {
    for (const channel of CHANNELS) {
      this.jobs.process<DeliveryJob>(channel, {
        module: 'notifications',
        concurrency: CONCURRENCY,
        timeoutMs: CLAIM_MS,
        run: (job) => this.attempt(job),
      });
      const chore = choreOf(channel);
      this.background.every('notifications', chore, LOOK_EVERY_MS, () => this.lookAfter(channel));
    }
    // In whichever process an operator asks for it: one that sends looks for it within seconds.
    this.deadLetters.onRetry('delivery', ({ payload }) =>
      this.deliveries.revive(payload as unknown as DeliveryJob, this.clock.now()),
    );
  }

  /** Of a notification that is stored. Those of later are found when their time comes. */
  async begin({ id, owner }: Notification, { channels }: Route): Promise<void> {
    const now = this.clock.now();
    for (const [channel, sendAt] of Object.entries(channels) as [Channel, Date][]) {
      if (isSoon(sendAt, now)) await this.add([{ id, owner, channel }], sendAt.getTime() - now.getTime());
    }
  }

  /** Adds jobs for what no job may be doing. */
  async lookAfter(channel: Channel): Promise<void> {
    const now = this.clock.now();
    this.waiting[channel].value = await this.deliveries.countDue(channel, now);
    const found = await this.deliveries.overdue(channel, now, BATCH);
    await this.add(found);
    if (found.length === BATCH) this.background.nudge(choreOf(channel));
  }

  /** @returns when it is to be called again */
  private async attempt(job: DeliveryJob): Promise<Date | undefined> {
    const claim = await this.deliveries.claim(job, this.clock.now());
    if (!claim) return this.soonOnly(await this.deliveries.pendingUntil(job));
    try {
      const outcome = await within(SEND_TIMEOUT_MS, (signal) => this.senders[job.channel].send(claim, signal));
      this.attempts.inc({ channel: job.channel, result: outcome });
      await this.record(claim, outcome);
      return undefined;
    } catch (error) {
      return this.failed(job, claim, error as Error);
    }
  }

  /** It has happened: the database gets some time to take it down. */
  private async record(claim: Claim, outcome: Outcome): Promise<void> {
    for (const pauseMs of RECORD_PAUSES_MS) {
      try {
        await this.deliveries.settle(claim, outcome);
        return;
      } catch (error) {
        if (!storeFailure(error)) throw error;
        await delay(pauseMs);
      }
    }
  }

  private async failed(job: DeliveryJob, claim: Claim, error: Error): Promise<Date | undefined> {
    const isLast = error instanceof Undeliverable || claim.attempts >= MAX_ATTEMPTS;
    this.attempts.inc({ channel: job.channel, result: isLast ? 'dead' : 'failed' });
    if (isLast) {
      await this.giveUp(job, claim, error);
      return undefined;
    }
    const now = this.clock.now();
    const pauseMs = pauseAfter(claim.attempts);
    const sendAt = new Date(now.getTime() + pauseMs);
    const reached = error instanceof PartlySent ? error.reached : claim.reached;
    await this.deliveries.postpone(claim, { sendAt, error: error.message, reached }, now);
    const waits = `waits ${Math.round(pauseMs)} ms after failure ${claim.attempts}`;
    this.logger.warn(`${jobIdOf(job)} ${waits}: ${error.message}`);
    return this.soonOnly(sendAt);
  }

  private async giveUp(job: DeliveryJob, claim: Claim, { message }: Error): Promise<void> {
    const { kind, owner } = claim.notification;
    await this.deadLetters.add({
      id: jobIdOf(job),
      kind: 'delivery',
      group: job.channel,
      name: kind,
      owner,
      payload: { ...job },
      error: message,
      attempts: claim.attempts,
    });
    await this.deliveries.settle(claim, 'dead', message);
  }

  private add(jobs: readonly DeliveryJob[], delayMs = 0): Promise<void> {
    const [first] = jobs;
    if (!first) return Promise.resolve();
    return this.jobs.add(
      first.channel,
      jobs.map((job) => ({ id: jobIdOf(job), data: job, delayMs })),
    );
  }

  private soonOnly(at: Date | undefined): Date | undefined {
    return at && isSoon(at, this.clock.now()) ? at : undefined;
  }
}

const choreOf = (channel: Channel): string => `look after ${channel}`;
