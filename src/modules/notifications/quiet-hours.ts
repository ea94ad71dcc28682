import { DateTime } from 'luxon';

/** Wall-clock times, `HH:MM`. From `start` until `end`, over midnight when `end` is earlier. */
export interface QuietHours {
  readonly start: string;
  readonly end: string;
}

const MINUTE = { minutes: 1 } as const;

/**
 * The first instant from `now` on at which the clock on the wall of `zone` shows no quiet time.
 * @param zone IANA name, or `UTC`
 */
export function afterQuiet(now: Date, zone: string, quiet: QuietHours | null): Date {
  const local = DateTime.fromJSDate(now, { zone });
  if (!quiet || !isQuiet(local, quiet)) return now;
  const [hour, minute] = quiet.end.split(':').map(Number);
  const today = local.set({ hour, minute, second: 0, millisecond: 0 });
  let end = today > local ? today : today.plus({ days: 1 }).set({ hour, minute });
  // On the night on which the clock skips the end, luxon goes on by as much; it is over when the clock has skipped it.
  while (!isQuiet(end.minus(MINUTE), quiet)) end = end.minus(MINUTE);
  return end.toJSDate();
}

function isQuiet(local: DateTime, { start, end }: QuietHours): boolean {
  const time = local.toFormat('HH:mm');
  return start < end ? time >= start && time < end : time >= start || time < end;
}
