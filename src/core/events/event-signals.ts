import { Injectable, Optional, type OnModuleInit } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { RequestRedis } from '../redis/request-redis.js';
import { SubscriberRedis } from '../redis/subscriber-redis.js';
import { EventLog } from './event-log.repository.js';

/**
 * Says in every process, where there is a Redis, for whom one of them has put something into the log. It promises
 * nothing: whoever waits for events looks from time to time, and a signal that is lost costs that time.
 */
@Injectable()
export class EventSignals implements OnModuleInit {
  private readonly self = randomUUID();

  constructor(
    private readonly log: EventLog,
    @Optional() private readonly redis?: RequestRedis,
    @Optional() private readonly subscriber?: SubscriberRedis,
  ) {}

  onModuleInit(): void {
    const { redis, subscriber } = this;
    if (!redis || !subscriber) return;
    const channel = redis.channel('events');
    this.log.spreadBy((owners) => redis.publish(channel, [this.self, ...owners].join(' ')));
    subscriber.listen(channel, {
      onMessage: (message) => {
        const [sender, ...owners] = message.split(' ');
        if (sender !== this.self) this.log.tell(owners);
      },
      onJoined: () => undefined,
      onLost: () => undefined,
    });
  }
}
