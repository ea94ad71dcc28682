import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsBoolean, ValidateIf, ValidateNested } from 'class-validator';
import { Optional, Rule } from '../../core/http/fields.js';
import { Reminders, type Reminder } from '../tasks/index.js';
import type { QuietHours } from './quiet-hours.js';

/** One field for each kind. */
export class KindsChange {
  @ApiPropertyOptional({ type: Boolean, description: 'Before a due date.' })
  @Optional()
  @IsBoolean()
  deadline_approaching?: boolean;

  @ApiPropertyOptional({ type: Boolean, description: 'After it.' })
  @Optional()
  @IsBoolean()
  overdue?: boolean;
}

export class ChannelsChange {
  @ApiPropertyOptional({ type: KindsChange, description: 'The list of notifications.' })
  @Optional()
  @ValidateNested()
  @Type(() => KindsChange)
  inApp?: KindsChange;

  @ApiPropertyOptional({ type: KindsChange, description: 'Only to an address that was confirmed.' })
  @Optional()
  @ValidateNested()
  @Type(() => KindsChange)
  email?: KindsChange;

  @ApiPropertyOptional({ type: KindsChange, description: 'To every browser that was subscribed.' })
  @Optional()
  @ValidateNested()
  @Type(() => KindsChange)
  push?: KindsChange;
}

const TIME = '([01]\\d|2[0-3]):[0-5]\\d';
const isTime = (value: unknown): boolean => typeof value === 'string' && new RegExp(`^${TIME}$`).test(value);

function areQuietHours(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Object.keys(value).toSorted().join() !== 'end,start') return false;
  const { start, end } = value as Record<string, unknown>;
  return isTime(start) && isTime(end) && start !== end;
}

const time = { type: 'string', pattern: `^${TIME}$`, example: '22:00' } as const;

/** As OpenAPI describes them, in and out. */
export const QUIET_HOURS_SCHEMA = {
  type: 'object',
  nullable: true,
  properties: { start: time, end: { ...time, example: '07:00' } },
  required: ['start', 'end'],
  additionalProperties: false,
  description: 'In your time zone: e-mails and pushes wait for its end, which may be on the next day.',
} as const;

/** A JSON merge patch: what is absent stays as it is. */
export class ChangePreferences {
  @ApiPropertyOptional({ type: ChannelsChange })
  @Optional()
  @ValidateNested()
  @Type(() => ChannelsChange)
  channels?: ChannelsChange;

  @ApiProperty({ ...QUIET_HOURS_SCHEMA, required: false } as never)
  @Optional()
  @ValidateIf((_object, value: unknown) => value !== null && value !== undefined)
  @Rule('quiet_hours', '{"start": "22:00", "end": "07:00"} with two different times, or null', areQuietHours)
  quietHours?: QuietHours | null;

  /** Of tasks that have none of their own; null is the default again, a day and an hour before. */
  @Optional()
  @ValidateIf((_object, value: unknown) => value !== null && value !== undefined)
  @Reminders()
  reminders?: Reminder[] | null;
}
