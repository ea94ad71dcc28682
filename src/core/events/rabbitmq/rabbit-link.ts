import type { Logger } from '@nestjs/common';
import { connect, type AmqpConnectionManager, type ChannelWrapper } from 'amqp-connection-manager';
import type { Channel, ConfirmChannel } from 'amqplib';
import { TransportUnavailable } from '../event-transport.js';

const CONNECT_MS = 5000;
const RECONNECT_SECONDS = 1;
const PREPARE_MS = 10_000;
/** A peer that says nothing for two of them is gone. */
const HEARTBEAT_SECONDS = 5;
/** Shorter than the relay's lease: what is not confirmed by then is published again. */
const CONFIRM_MS = 8000;

/**
 * A connection to RabbitMQ with one channel, which is opened anew for as long as the process lives, and prepared each
 * time. Whoever publishes and whoever consumes have one each: a broker short of memory stops reading from a connection
 * that publishes, and with it the acknowledgements.
 */
export class RabbitLink {
  private readonly manager: AmqpConnectionManager;
  private readonly wrapper: ChannelWrapper;
  private isBlocked = false;
  private isAway = false;
  private isClosing = false;
  private current?: ConfirmChannel;

  /** @param prepare declares and subscribes; what it did is gone with the channel */
  constructor(
    name: string,
    url: string,
    private readonly logger: Logger,
    prepare: (channel: ConfirmChannel) => Promise<void>,
  ) {
    this.manager = connect(url, {
      heartbeatIntervalInSeconds: HEARTBEAT_SECONDS,
      reconnectTimeInSeconds: RECONNECT_SECONDS,
      connectionOptions: { timeout: CONNECT_MS, clientProperties: { connection_name: `taskflow ${name}` } },
    });
    this.manager.on('connect', () => this.say(false, `RabbitMQ is there (${name})`));
    this.manager.on('connectFailed', ({ err }) => this.say(true, `RabbitMQ is away (${name}): ${err.message}`));
    this.manager.on('disconnect', ({ err }) => {
      this.isBlocked = false;
      if (!this.isClosing) this.say(true, `RabbitMQ is away (${name}): ${err.message}`);
    });
    this.manager.on('blocked', ({ reason }) => {
      this.isBlocked = true;
      this.logger.warn(`RabbitMQ takes no more for now: ${reason}`);
    });
    this.manager.on('unblocked', () => (this.isBlocked = false));
    this.wrapper = this.manager.createChannel({
      confirm: true,
      publishTimeout: CONFIRM_MS,
      setup: async (channel: ConfirmChannel) => {
        channel.once('close', () => this.lost(channel));
        // A broker that has just come back may not answer for a queue that it has not got back yet.
        const timer = setTimeout(() => this.manager.reconnect(), PREPARE_MS).unref();
        await prepare(channel).finally(() => clearTimeout(timer));
        this.current = channel;
      },
    });
    this.wrapper.on('error', (error: Error) => this.logger.warn(`RabbitMQ refused (${name}): ${error.message}`));
  }

  /** @throws TransportUnavailable when the broker has not confirmed them all */
  async publish(
    exchange: string,
    messages: readonly { key: string; body: Buffer; id: string; at: Date }[],
  ): Promise<void> {
    if (!this.current) throw new TransportUnavailable('RabbitMQ is away');
    if (this.isBlocked) throw new TransportUnavailable('RabbitMQ takes no more for now');
    try {
      await Promise.all(
        messages.map(({ key, body, id, at }) =>
          this.wrapper.publish(exchange, key, body, {
            persistent: true,
            contentType: 'application/json',
            messageId: id,
            type: key,
            timestamp: Math.floor(at.getTime() / 1000),
          }),
        ),
      );
    } catch (error) {
      throw new TransportUnavailable((error as Error).message);
    }
  }

  /** Whether this is its channel, and open. */
  has(channel: Channel): boolean {
    return this.current === channel;
  }

  async close(): Promise<void> {
    this.isClosing = true;
    await this.manager.close();
  }

  /** The manager opens channels anew only with their connection, so one that was closed alone takes it along. */
  private lost(channel: ConfirmChannel): void {
    if (this.current === channel) this.current = undefined;
    setTimeout(() => {
      if (!this.current && !this.isClosing && this.manager.isConnected()) this.manager.reconnect();
    }, RECONNECT_SECONDS * 1000).unref();
  }

  /** One line for an outage, one for its end. */
  private say(isAway: boolean, line: string): void {
    if (this.isAway === isAway) return;
    this.isAway = isAway;
    if (isAway) this.logger.warn(line);
    else this.logger.log(line);
  }
}
