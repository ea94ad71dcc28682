const DAY_MS = 24 * 60 * 60 * 1000;
/** Some ten years of them; a list names few days many times. */
const MAX_DAYS = 4000;

const days = new Map<number, string>();
const TWO_DIGITS = Array.from({ length: 60 }, (_, n) => String(n).padStart(2, '0'));
const THREE_DIGITS = Array.from({ length: 1000 }, (_, n) => String(n).padStart(3, '0'));

/** `date.toISOString()` in a quarter of its time: a page of tasks has sixty to eighty of them. */
export function isoTime(date: Date): string {
  const ms = date.getTime();
  const day = Math.floor(ms / DAY_MS);
  const ofDay = ms - day * DAY_MS;
  const seconds = Math.floor(ofDay / 1000);
  const minutes = Math.floor(seconds / 60);
  const hour = TWO_DIGITS[Math.floor(minutes / 60)]!;
  return `${startOf(day)}${hour}:${TWO_DIGITS[minutes % 60]!}:${TWO_DIGITS[seconds % 60]!}.${THREE_DIGITS[ofDay % 1000]!}Z`;
}

/** `2026-03-01T` */
function startOf(day: number): string {
  let start = days.get(day);
  if (start === undefined) {
    if (days.size === MAX_DAYS) days.clear();
    start = new Date(day * DAY_MS).toISOString().slice(0, -'00:00:00.000Z'.length);
    days.set(day, start);
  }
  return start;
}
