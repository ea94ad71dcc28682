import {
  Injectable,
  Logger,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
  type OnModuleInit,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { randomInt } from 'node:crypto';
import type { Server } from 'node:http';
import { EventLog } from '../../../core/events/event-log.repository.js';
import { EventStream, frame } from '../../../core/http/event-stream.js';
import { requestContext } from '../../../core/logging/request-context.js';
import { Metrics } from '../../../core/metrics/metrics.js';
import { DatabaseReadiness } from '../../../core/mongo/database-readiness.js';
import { AccessTokens } from '../../../core/security/access-tokens.js';
import type { Principal } from '../../../core/security/principal.js';
import { Clock } from '../../../core/time/clock.js';
import { clientFrame } from './client-event.js';
import { TooManyStreams } from './realtime.errors.js';

/** Of one user in one process. */
export const MAX_STREAMS = 10;
const FULL_RETRY_SECONDS = 15;
/** Events that are read, and written to a stream, at once. */
const PAGE = 100;
/** Owners that are asked for in one question. */
const OWNERS = 200;
/** Whatever nudges nobody, such as another process without Redis, is found within this time. */
const POLL_MS = 1000;
/** Ended sessions and expired tokens are noticed so much later. */
const LOOK_MS = 100;
export const HEARTBEAT_MS = 15_000;
/** A client that takes nothing for so long is cut off: it comes back and goes on where it was. */
const STUCK_MS = 10_000;
/** Clients come back after so many milliseconds, not all of them at once. */
const RETRY_MS = { min: 1000, max: 3000 };
/** By which the clocks of processes may differ: sequences follow them. */
const CLOCKS_MS = 60_000;

type EndReason = 'client' | 'token' | 'stuck' | 'stopping';

/** Somebody who listens. */
interface Listener {
  readonly principal: Principal;
  readonly stream: EventStream;
  /** The sequence number up to which they have everything. */
  position: number;
  ended?: EndReason;
}

/** All who listen to one owner's events. */
interface Channel {
  readonly listeners: Set<Listener>;
  isReading: boolean;
  /** Something was appended since the reading began. */
  isStale: boolean;
}

/**
 * The streams of this process. What a stream is told always comes from the log, which every process reads: so it does
 * not matter which one a client reaches, and one that reads slowly is simply behind, with nothing kept for it. All
 * streams of an owner are served by one reading.
 */
@Injectable()
export class EventStreams implements OnModuleInit, OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(EventStreams.name);
  private readonly channels = new Map<string, Channel>();
  private readonly timers: NodeJS.Timeout[] = [];
  private readonly endings;
  private isPolling = false;
  private wasDraining = false;

  constructor(
    private readonly log: EventLog,
    private readonly tokens: AccessTokens,
    private readonly readiness: DatabaseReadiness,
    private readonly clock: Clock,
    private readonly adapterHost: HttpAdapterHost,
    metrics: Metrics,
  ) {
    metrics.measured('taskflow_event_streams_open', 'Streams of events to clients', () => this.listeners.length);
    this.endings = metrics.counter('taskflow_event_streams_ended_total', 'Streams of events that ended', ['reason']);
  }

  onModuleInit(): void {
    this.log.onAppended((owner) => this.serve(owner));
  }

  onApplicationBootstrap(): void {
    this.timers.push(setInterval(() => this.look(), LOOK_MS).unref());
    this.timers.push(setInterval(() => void this.poll(), POLL_MS).unref());
  }

  beforeApplicationShutdown(): void {
    for (const timer of this.timers) clearInterval(timer);
    for (const listener of this.listeners) this.end(listener, 'stopping');
  }

  /**
   * Begins to tell the user what happens, after what happened since `lastEventId`.
   * @throws TooManyStreams
   */
  async open(
    principal: Principal,
    lastEventId: string | undefined,
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<void> {
    const owner = principal.userId;
    const last = lastEventId === undefined ? undefined : Number(lastEventId);
    const isResumed = last !== undefined && this.isResumable(last);
    const position = isResumed ? last : await this.endOf(owner);
    // Asked last: while the log was read, others may have come.
    if ((this.channels.get(owner)?.listeners.size ?? 0) >= MAX_STREAMS)
      throw new TooManyStreams({ retryAfterSeconds: FULL_RETRY_SECONDS });
    const stream = EventStream.begin(request, reply);
    if (!stream) return;
    const first = last === undefined || isResumed ? 'ready' : 'reset';
    stream.write(`retry: ${randomInt(RETRY_MS.min, RETRY_MS.max)}\n${frame(position, first, '{}')}`);
    this.add({ principal, stream, position });
  }

  private get listeners(): Listener[] {
    return [...this.channels.values()].flatMap(({ listeners }) => [...listeners]);
  }

  private add(listener: Listener): void {
    const owner = listener.principal.userId;
    const channel = this.channels.get(owner) ?? { listeners: new Set(), isReading: false, isStale: false };
    this.channels.set(owner, channel);
    channel.listeners.add(listener);
    listener.stream.onClose(() => {
      this.endings.inc({ reason: listener.ended ?? 'client' });
      channel.listeners.delete(listener);
      if (channel.listeners.size === 0) this.channels.delete(owner);
    });
    listener.stream.onDrain(() => this.serve(owner));
    this.serve(owner);
  }

  /** Whether the log has everything that came behind this place, and it can be a place at all. */
  private isResumable(position: number): boolean {
    return this.log.isKept(position - CLOCKS_MS) && position <= this.clock.now().getTime() + CLOCKS_MS;
  }

  /** The last place of the owner; where nothing is left to follow, one that can be resumed and is before all to come. */
  private async endOf(owner: string): Promise<number> {
    return Math.max(await this.log.head(owner), this.clock.now().getTime() - CLOCKS_MS);
  }

  /** Brings all streams of the owner to the end of the log. */
  private serve(owner: string): void {
    const channel = this.channels.get(owner);
    if (!channel) return;
    channel.isStale = true;
    // Whose request this comes from does not matter to what is read.
    if (!channel.isReading) requestContext.exit(() => void this.catchUp(owner, channel));
  }

  private async catchUp(owner: string, channel: Channel): Promise<void> {
    channel.isReading = true;
    try {
      while (channel.isStale) {
        channel.isStale = false;
        while (await this.tellNext(owner, channel)) continue;
      }
    } catch (error) {
      // The poll comes back to it.
      this.logger.warn(`events could not be read: ${(error as Error).message}`);
    }
    channel.isReading = false;
  }

  /** @returns whether there may be more */
  private async tellNext(owner: string, { listeners }: Channel): Promise<boolean> {
    const ready = [...listeners].filter(({ stream }) => !stream.isBackedUp);
    if (ready.length === 0) return false;
    const events = await this.log.read(owner, Math.min(...ready.map(({ position }) => position)), PAGE);
    for (const listener of ready) {
      const news = events.filter(({ seq }) => seq > listener.position);
      const text = news.map((event) => clientFrame(event) ?? '').join('');
      if (text !== '') listener.stream.write(text);
      listener.position = news.at(-1)?.seq ?? listener.position;
    }
    return events.length === PAGE;
  }

  /** For all who listen together. */
  private async poll(): Promise<void> {
    if (this.isPolling || this.channels.size === 0) return;
    this.isPolling = true;
    try {
      const places = new Map<string, number>();
      for (const { principal, position } of this.listeners.filter(({ stream }) => !stream.isBackedUp))
        places.set(principal.userId, Math.min(position, places.get(principal.userId) ?? Infinity));
      const all = [...places];
      for (let start = 0; start < all.length; start += OWNERS) {
        const some = new Map(all.slice(start, start + OWNERS));
        for (const owner of await this.log.movedBeyond(some)) this.serve(owner);
      }
    } catch (error) {
      this.logger.warn(`could not look for events: ${(error as Error).message}`);
    }
    this.isPolling = false;
  }

  /** Ends what must not go on, and keeps alive what may. */
  private look(): void {
    const isStopping = this.isStopping();
    for (const listener of this.listeners) {
      const { principal, stream } = listener;
      if (isStopping) this.end(listener, 'stopping');
      else if (!this.tokens.isGood(principal)) this.end(listener, 'token');
      else if (stream.isStuckFor(STUCK_MS)) this.end(listener, 'stuck');
      else stream.beat(HEARTBEAT_MS);
    }
  }

  /**
   * At the beginning of the drain, when balancers send clients elsewhere, and again when the process listens no more:
   * a proxy that does not look at readiness has sent some of them back.
   */
  private isStopping(): boolean {
    const { isDraining } = this.readiness;
    const begins = isDraining && !this.wasDraining;
    this.wasDraining = isDraining;
    return begins || !(this.adapterHost.httpAdapter.getHttpServer() as Server).listening;
  }

  private end(listener: Listener, reason: EndReason): void {
    if (listener.ended) return;
    listener.ended = reason;
    if (reason === 'stuck') listener.stream.cut();
    else listener.stream.end();
  }
}
