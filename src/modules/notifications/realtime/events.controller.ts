import { Controller, Get, Query, Req, Res } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiProduces, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Problems } from '../../../core/openapi/problems.decorator.js';
import { CurrentUser, type Principal } from '../../../core/security/principal.js';
import { STREAM_DESCRIPTION } from './client-event.js';
import { EventStreams } from './event-streams.service.js';
import { LastEventId } from './last-event-id.js';
import { StreamEvents } from './realtime.dto.js';
import { TooManyStreams } from './realtime.errors.js';

@ApiTags('notifications')
@ApiBearerAuth('bearer')
@Controller('events')
export class EventsController {
  constructor(private readonly streams: EventStreams) {}

  /** What happens to your tasks, as it happens (server-sent events). */
  @Get()
  @ApiOperation({ description: STREAM_DESCRIPTION })
  @ApiProduces('text/event-stream')
  @ApiOkResponse({ type: String })
  @Problems(TooManyStreams)
  async stream(
    @CurrentUser() user: Principal,
    @Query() query: StreamEvents,
    @LastEventId() lastEventId: string | undefined,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    await this.streams.open(user, lastEventId ?? query.lastEventId, request, reply);
  }
}
