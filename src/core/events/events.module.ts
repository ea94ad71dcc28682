import { Global, Module } from '@nestjs/common';
import { MongooseModule } from '@nestjs/mongoose';
import { AppConfig } from '../../config/config.js';
import { Background } from './background.js';
import { DEAD_LETTER_MODEL, deadLetterSchema } from './dead-letter.schema.js';
import { DeadLetters } from './dead-letters.js';
import { DeadLettersRepository } from './dead-letters.repository.js';
import { EventBacklog } from './event-backlog.repository.js';
import { EventBus } from './event-bus.js';
import { EventHandlers } from './event-handlers.js';
import { EventLog } from './event-log.repository.js';
import { EventSignals } from './event-signals.js';
import { EVENT_MODEL, eventSchema } from './event.schema.js';
import { EventTransport } from './event-transport.js';
import { LogConsumer } from './log-consumer.js';
import { LogTransport } from './log-transport.js';
import { OutboxRelay } from './outbox.relay.js';

type TransportNeeds = [AppConfig, EventHandlers, LogConsumer, DeadLetters];

@Global()
@Module({
  imports: [
    MongooseModule.forFeature([
      { name: EVENT_MODEL, schema: eventSchema },
      { name: DEAD_LETTER_MODEL, schema: deadLetterSchema },
    ]),
  ],
  providers: [
    Background,
    EventBus,
    OutboxRelay,
    EventLog,
    EventSignals,
    EventBacklog,
    EventHandlers,
    LogConsumer,
    DeadLettersRepository,
    DeadLetters,
    {
      provide: EventTransport,
      inject: [AppConfig, EventHandlers, LogConsumer, DeadLetters],
      useFactory: async (...[config, handlers, consumer, deadLetters]: TransportNeeds): Promise<EventTransport> => {
        if (!config.eventsUrl) return new LogTransport(handlers, consumer);
        // Not loaded where it is not wanted.
        const { RabbitTransport } = await import('./rabbitmq/rabbit-transport.js');
        return new RabbitTransport(config, handlers, consumer, deadLetters);
      },
    },
  ],
  exports: [Background, EventBus, OutboxRelay, EventLog, EventTransport, DeadLetters],
})
export class EventsModule {}
