import { ApiProperty } from '@nestjs/swagger';
import type { DeadLetter } from '../../core/events/dead-letters.js';
import { redact } from '../../core/logging/redact.js';
import type { Page } from '../../core/paging/page.js';

const MAX_ERROR_LENGTH = 1000;

/** An event or a delivery that was given up. What it is about stays inside. */
export class DeadLetterView {
  /** @example 'notifications.0192f0c1-2b7e-7c55-9d3a-6f2f8d0e4b11' */
  id: string;
  kind: 'event' | 'delivery';
  /**
   * Who gave it up.
   * @example 'notifications'
   */
  group: string;
  /**
   * Of the event.
   * @example 'task.overdue'
   */
  name: string;
  /**
   * Id of the user whom it concerns.
   * @example '65f1c0ffee0ddba11ca7f00d'
   */
  owner: string;
  /**
   * Why the last attempt failed, without addresses and credentials.
   * @example 'connect ECONNREFUSED 192.0.2.7:587'
   */
  error: string;
  @ApiProperty({ type: 'integer', example: 10 }) attempts: number;
  at: Date;
}

/** Newest first; `nextCursor` is null on the last page. */
export class DeadLetterPageView {
  @ApiProperty({ type: [DeadLetterView] }) items: readonly DeadLetterView[];
  @ApiProperty({ type: String, nullable: true }) nextCursor: string | null;
}

export const deadLetterPageView = ({ items, nextCursor }: Page<DeadLetter>): DeadLetterPageView => ({
  items: items.map(({ id, kind, group, name, owner, error, attempts, at }) => {
    const shown = String(redact(error)).slice(0, MAX_ERROR_LENGTH);
    return { id, kind, group, name, owner, error: shown, attempts, at };
  }),
  nextCursor,
});
