import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { AppConfig } from '../../config/config.js';
import { createQueueClient, type RedisClient } from './redis-client.js';

/**
 * Redis for work that waits: jobs, their workers, blocking reads. The opposite of `RequestRedis`: a command given while
 * Redis is away is kept and sent when it is back, and one that was under way is sent again, so it may run twice.
 * A request must never wait for it. It connects with the first command; a process without queues has no connection.
 */
@Injectable()
export class QueueRedis implements OnApplicationShutdown {
  /** A worker that blocks takes a `duplicate()`: nothing else gets through beside a blocked command. */
  readonly client: RedisClient;

  constructor(config: AppConfig) {
    if (!config.redis) throw new Error('QueueRedis without a Redis: RedisModule.for() binds it by configuration');
    const logger = new Logger('Redis');
    this.client = createQueueClient(config.redis);
    // Without a listener an error would end the process. Each attempt to connect fails: one line for an outage will do.
    let isAway = false;
    this.client.on('error', ({ message }: Error) => {
      if (!isAway) logger.warn(`the queues wait for Redis: ${message}`);
      isAway = true;
    });
    this.client.on('ready', () => {
      if (isAway) logger.log('the queues have Redis again');
      isAway = false;
    });
  }

  onApplicationShutdown(): void {
    this.client.disconnect();
  }
}
