import { Module } from '@nestjs/common';
import { EventStreams } from './event-streams.service.js';
import { EventsController } from './events.controller.js';

/** What `MODULES=notifications` serves besides: it needs nothing but the log of events. */
@Module({ controllers: [EventsController], providers: [EventStreams] })
export class RealtimeRoutes {}
