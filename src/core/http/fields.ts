import { applyDecorators } from '@nestjs/common';
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { isEmail, isRFC3339, ValidateBy, ValidateIf } from 'class-validator';

/** The field may be absent. `null` is a value like any other and has to pass the other decorators: put this one first. */
export const Optional = (): PropertyDecorator =>
  applyDecorators(
    ValidateIf((_object, value: unknown) => value !== undefined),
    ApiPropertyOptional(),
  );

/** A rule of our own: its name in snake case is the `code` in the problem. */
export const Rule = (name: string, message: string, holds: (value: unknown) => boolean): PropertyDecorator =>
  ValidateBy({ name, validator: { validate: holds, defaultMessage: () => `must be ${message}` } });

/** Characters as people count them: a surrogate pair is one. */
export const codePoints = (text: string): number => {
  let count = 0;
  for (const _character of text) count++;
  return count;
};

// A lone surrogate has no UTF-8: the database would store another text than it was given.
const isText = (value: unknown, min: number, max: number): boolean =>
  typeof value === 'string' &&
  value.length <= 2 * max &&
  !/\p{Surrogate}/u.test(value) &&
  codePoints(value) >= min &&
  codePoints(value) <= max;

/** Text of `min` to `max` Unicode code points. */
export const Text = (min: number, max: number): PropertyDecorator =>
  applyDecorators(
    Rule('text', `a text of ${min} to ${max} characters`, (value) => isText(value, min, max)),
    ApiProperty({ type: String, minLength: min, maxLength: max }),
  );

/** Text that is not only white space. */
export const Line = (max: number): PropertyDecorator =>
  applyDecorators(
    Rule('text', `a text of 1 to ${max} characters that are not all spaces`, (value) => {
      return isText(value, 1, max) && (value as string).trim() !== '';
    }),
    ApiProperty({ type: String, minLength: 1, maxLength: max }),
  );

/** An address of at most 254 characters (RFC 5321 §4.5.3.1.3). */
export const EmailAddress = (): PropertyDecorator =>
  applyDecorators(
    Rule('email', 'an e-mail address', (value) => isText(value, 3, 254) && isEmail(value)),
    ApiProperty({ type: String, format: 'email', maxLength: 254 }),
  );

/** Up to `maxItems` different texts of 1 to `max` Unicode code points. */
export const DistinctTexts = (maxItems: number, max: number): PropertyDecorator =>
  applyDecorators(
    Rule('distinct_texts', `at most ${maxItems} different texts of 1 to ${max} characters`, (value) => {
      if (!Array.isArray(value) || value.length > maxItems || new Set(value).size < value.length) return false;
      return value.every((item) => isText(item, 1, max));
    }),
    ApiProperty({
      type: 'array',
      uniqueItems: true,
      maxItems,
      items: { type: 'string', minLength: 1, maxLength: max },
    }),
  );

/** A date and time with its offset (RFC 3339 §5.6) that lies in the years 0001 to 9999 of UTC. */
export function isDateTime(value: unknown): value is string {
  if (typeof value !== 'string' || value.length > 40 || !isRFC3339(value) || !/^\d{4}-\d\d-\d\dt/i.test(value))
    return false;
  const year = new Date(value).getUTCFullYear();
  // `Date` rolls 30 February over into March instead of refusing it.
  const day = value.slice(0, 10);
  const isOnCalendar = new Date(`${day}T00:00:00Z`).toISOString().startsWith(day);
  return isOnCalendar && year >= 1 && year <= 9999;
}

export const DateTime = (): PropertyDecorator =>
  applyDecorators(
    Rule('date_time', 'a date and time as in RFC 3339: 2026-03-01T09:00:00Z', isDateTime),
    ApiProperty({ type: String, format: 'date-time' }),
  );

/** A time zone name of the IANA database, or `UTC`; offsets are not names. */
export const TimeZone = (): PropertyDecorator =>
  applyDecorators(Rule('time_zone', 'an IANA time zone', isTimeZone), ApiProperty({ type: String }));

/** A language tag (BCP 47). */
export const Locale = (): PropertyDecorator =>
  applyDecorators(Rule('locale', 'a BCP 47 language tag', isLocale), ApiProperty({ type: String, maxLength: 35 }));

function isTimeZone(value: unknown): boolean {
  if (typeof value !== 'string' || !/^[A-Za-z][\w+/-]{0,63}$/.test(value)) return false;
  // `Intl.supportedValuesOf('timeZone')` lacks UTC and every alias.
  return accepts(() => new Intl.DateTimeFormat('en', { timeZone: value }));
}

function isLocale(value: unknown): boolean {
  return typeof value === 'string' && value.length <= 35 && accepts(() => Intl.getCanonicalLocales(value));
}

function accepts(attempt: () => unknown): boolean {
  try {
    attempt();
    return true;
  } catch {
    return false;
  }
}
