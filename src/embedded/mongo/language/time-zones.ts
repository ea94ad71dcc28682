import { located } from './fault.js';

/** Offsets change only at quarters of an hour, so one answer serves every instant of the same quarter. */
const QUARTER_MS = 15 * 60_000;
const MAX_KNOWN = 10_000;

type Offset = (at: number) => number;
const zones = new Map<string, Offset>();

/** Milliseconds that the zone is ahead of UTC at an instant. An IANA name or `+hh`, `+hhmm`, `+hh:mm`. */
export function offsetMs(zone: string, at: number): number {
  let offset = zones.get(zone);
  if (offset === undefined) {
    offset = fixedOffset(zone) ?? namedOffset(zone);
    if (zones.size < MAX_KNOWN) zones.set(zone, offset);
  }
  return offset(at);
}

function fixedOffset(zone: string): Offset | undefined {
  if (zone === 'UTC' || zone === 'GMT' || zone === 'Z') return () => 0;
  const match = /^([+-])(\d\d):?(\d\d)?$/.exec(zone);
  if (match === null) return undefined;
  const minutes = Number(match[2]) * 60 + Number(match[3] ?? 0);
  const offset = minutes * (match[1] === '-' ? -60_000 : 60_000);
  return () => offset;
}

function namedOffset(zone: string): Offset {
  const format = formatter(zone);
  const known = new Map<number, number>();
  return (at) => {
    const quarter = Math.floor(at / QUARTER_MS);
    let offset = known.get(quarter);
    if (offset === undefined) {
      offset = localTime(format, quarter * QUARTER_MS) - quarter * QUARTER_MS;
      if (known.size >= MAX_KNOWN) known.clear();
      known.set(quarter, offset);
    }
    return offset;
  };
}

function formatter(zone: string): Intl.DateTimeFormat {
  try {
    return new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
  } catch {
    throw located(40485, `unrecognized time zone identifier: "${zone}"`);
  }
}

function localTime(format: Intl.DateTimeFormat, at: number): number {
  const parts = new Map(format.formatToParts(at).map(({ type, value }) => [type, Number(value)]));
  const read = (type: Intl.DateTimeFormatPartTypes): number => parts.get(type) ?? 0;
  return Date.UTC(read('year'), read('month') - 1, read('day'), read('hour'), read('minute'), read('second'));
}
