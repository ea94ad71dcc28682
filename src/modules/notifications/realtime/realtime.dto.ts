import { IsOptional, Matches } from 'class-validator';
import { POSITION } from './last-event-id.js';

export class StreamEvents {
  /**
   * As the header field `Last-Event-ID`, for clients that cannot set one; the field counts where both are there.
   * @example "1795320000000"
   */
  @IsOptional()
  @Matches(POSITION, { message: 'must be the id of an event' })
  lastEventId?: string;
}
