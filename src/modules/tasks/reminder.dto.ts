import { applyDecorators } from '@nestjs/common';
import { ApiProperty, type ApiPropertyOptions } from '@nestjs/swagger';
import { Rule } from '../../core/http/fields.js';
import type { Reminder } from './task.js';

/** 28 days. */
const MINUTES_BEFORE_MAX = 40_320;
const REMINDERS_MAX = 5;
const RULE = `at most ${REMINDERS_MAX} different {"minutesBefore"} of 0 to ${MINUTES_BEFORE_MAX}`;

/** As OpenAPI describes them, in and out. */
export const REMINDERS_SCHEMA = {
  type: 'array',
  uniqueItems: true,
  maxItems: REMINDERS_MAX,
  items: {
    type: 'object',
    properties: { minutesBefore: { type: 'integer', minimum: 0, maximum: MINUTES_BEFORE_MAX } },
    required: ['minutesBefore'],
    additionalProperties: false,
  },
} satisfies ApiPropertyOptions;

/** How long before the due date a person is reminded, up to five times. */
export const Reminders = (): PropertyDecorator =>
  applyDecorators(Rule('reminders', RULE, areReminders), ApiProperty(REMINDERS_SCHEMA));

function areReminders(value: unknown): boolean {
  if (!Array.isArray(value) || value.length > REMINDERS_MAX || !value.every(isReminder)) return false;
  return new Set(value.map(({ minutesBefore }) => minutesBefore)).size === value.length;
}

function isReminder(value: unknown): value is Reminder {
  if (typeof value !== 'object' || value === null || Object.keys(value).join() !== 'minutesBefore') return false;
  const { minutesBefore } = value as { minutesBefore: unknown };
  return Number.isInteger(minutesBefore) && Number(minutesBefore) >= 0 && Number(minutesBefore) <= MINUTES_BEFORE_MAX;
}
