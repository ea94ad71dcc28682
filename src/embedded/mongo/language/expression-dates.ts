import { ObjectId, Timestamp } from 'bson';
import { type Compile, type Expression, type Form, type Forms, isNullish, named } from './expression.js';
import { located } from './fault.js';
import { offsetMs } from './time-zones.js';
import { isDoc, typeName } from './values.js';

const DAY_MS = 86_400_000;
const MONTHS = 'January February March April May June July August September October November December'.split(' ');

/** A date moved so that its UTC fields read as the local ones. */
interface Local {
  readonly date: Date;
  readonly offsetMs: number;
}

const dayOfYear = (date: Date): number =>
  Math.floor((date.getTime() - Date.UTC(date.getUTCFullYear(), 0, 1)) / DAY_MS) + 1;
const isoDay = (date: Date): number => date.getUTCDay() || 7;

/** The Thursday of a week decides to which ISO year the week belongs. */
function isoWeek(date: Date): { year: number; week: number } {
  const thursday = new Date(date.getTime() + (4 - isoDay(date)) * DAY_MS);
  return { year: thursday.getUTCFullYear(), week: Math.ceil(dayOfYear(thursday) / 7) };
}

const sundayWeek = (date: Date): number => Math.floor((dayOfYear(date) + 6 - date.getUTCDay()) / 7);

export const DATES: Forms = {
  $year: part('$year', (date) => date.getUTCFullYear()),
  $month: part('$month', (date) => date.getUTCMonth() + 1),
  $dayOfMonth: part('$dayOfMonth', (date) => date.getUTCDate()),
  $hour: part('$hour', (date) => date.getUTCHours()),
  $minute: part('$minute', (date) => date.getUTCMinutes()),
  $second: part('$second', (date) => date.getUTCSeconds()),
  $millisecond: part('$millisecond', (date) => date.getUTCMilliseconds()),
  $dayOfYear: part('$dayOfYear', dayOfYear),
  $dayOfWeek: part('$dayOfWeek', (date) => date.getUTCDay() + 1),
  $isoDayOfWeek: part('$isoDayOfWeek', isoDay),
  $isoWeek: part('$isoWeek', (date) => isoWeek(date).week),
  $week: part('$week', sundayWeek),
  $dateToString: (operand, compile) => compileDateToString(operand, compile),
};

const SPECIFIERS: Readonly<Record<string, (local: Local) => string>> = {
  '%': () => '%',
  Y: ({ date }) => digits(date.getUTCFullYear(), 4),
  m: ({ date }) => digits(date.getUTCMonth() + 1, 2),
  d: ({ date }) => digits(date.getUTCDate(), 2),
  H: ({ date }) => digits(date.getUTCHours(), 2),
  M: ({ date }) => digits(date.getUTCMinutes(), 2),
  S: ({ date }) => digits(date.getUTCSeconds(), 2),
  L: ({ date }) => digits(date.getUTCMilliseconds(), 3),
  j: ({ date }) => digits(dayOfYear(date), 3),
  w: ({ date }) => String(date.getUTCDay() + 1),
  u: ({ date }) => String(isoDay(date)),
  U: ({ date }) => digits(sundayWeek(date), 2),
  V: ({ date }) => digits(isoWeek(date).week, 2),
  G: ({ date }) => digits(isoWeek(date).year, 4),
  b: ({ date }) => (MONTHS[date.getUTCMonth()] ?? '').slice(0, 3),
  B: ({ date }) => MONTHS[date.getUTCMonth()] ?? '',
  z: ({ offsetMs: ahead }) => {
    const minutes = Math.abs(ahead) / 60_000;
    return `${ahead < 0 ? '-' : '+'}${digits(Math.floor(minutes / 60), 2)}${digits(minutes % 60, 2)}`;
  },
  Z: ({ offsetMs: ahead }) => `${ahead < 0 ? '-' : '+'}${digits(Math.abs(ahead) / 60_000, 3)}`,
};

const digits = (value: number, length: number): string => String(value).padStart(length, '0');

function instantOf(value: unknown): number {
  if (value instanceof Date) return value.getTime();
  if (value instanceof ObjectId) return value.getTimestamp().getTime();
  if (value instanceof Timestamp) return value.getHighBitsUnsigned() * 1000;
  throw located(16006, `can't convert from BSON type ${typeName(value)} to Date`);
}

/** `undefined` if the date or the zone is null or missing. */
function localOf(date: unknown, zone: unknown): Local | undefined {
  if (isNullish(date) || isNullish(zone)) return undefined;
  if (typeof zone !== 'string') throw located(40517, `timezone must evaluate to a string, found ${typeName(zone)}`);
  const at = instantOf(date);
  const ahead = offsetMs(zone, at);
  return { date: new Date(at + ahead), offsetMs: ahead };
}

function part(name: string, read: (date: Date) => number): Form {
  return (operand, compile) => {
    const [date, zone] = dateAndZone(name, operand, compile);
    return (scope) => {
      const local = localOf(date(scope), zone(scope));
      return local === undefined ? null : read(local.date);
    };
  };
}

function dateAndZone(name: string, operand: unknown, compile: Compile): [Expression, Expression] {
  if (isDoc(operand) && Object.hasOwn(operand, 'date')) {
    const parts = named(name, operand, ['date'], ['timezone']);
    return [compile(parts['date']), compile(parts['timezone'] ?? 'UTC')];
  }
  const single: unknown = Array.isArray(operand) && operand.length === 1 ? operand[0] : operand;
  return [compile(single), () => 'UTC'];
}

function compileDateToString(operand: unknown, compile: Compile): Expression {
  const parts = named('$dateToString', operand, ['date'], ['format', 'timezone', 'onNull']);
  const [date, zone] = [compile(parts['date']), compile(parts['timezone'] ?? 'UTC')];
  const [format, onNull] = [
    compile(parts['format'] ?? defaultFormat(parts['timezone'])),
    compile(parts['onNull'] ?? null),
  ];
  return (scope) => {
    const local = localOf(date(scope), zone(scope));
    const pattern = format(scope);
    if (local === undefined || isNullish(pattern)) return onNull(scope);
    if (typeof pattern !== 'string') {
      throw located(18533, `$dateToString requires that 'format' be a string, found: ${typeName(pattern)}`);
    }
    return pattern.replaceAll(/%(.?)/gs, (_, letter: string) => specified(letter, local));
  };
}

/** Only a time in UTC is marked with a Z. */
function defaultFormat(zone: unknown): string {
  return `%Y-%m-%dT%H:%M:%S.%L${zone === undefined || zone === 'UTC' || zone === 'GMT' ? 'Z' : ''}`;
}

function specified(letter: string, local: Local): string {
  if (letter === '') throw located(18535, "Unmatched '%' at end of format string");
  const write = SPECIFIERS[letter];
  if (write === undefined) throw located(18536, `Invalid format character '%${letter}' in format string`);
  return write(local);
}
