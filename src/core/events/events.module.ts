import { Global, Module } from '@nestjs/common';
import { Background } from './background.js';
import { EventBus } from './event-bus.js';
import { OutboxRelay } from './outbox.relay.js';

@Global()
@Module({ providers: [Background, EventBus, OutboxRelay], exports: [Background, EventBus, OutboxRelay] })
export class EventsModule {}
