import type { Client } from './clients.js';
import { tasks } from './tasks.js';

const MINUTE_MS = 60_000;

/** An event about a reminder, as the log has it. */
export interface Told {
  readonly _id: string;
  readonly seq: number;
  readonly facts: { readonly taskId: string; readonly dueDate: string };
}

/**
 * Tasks whose reminders come one after the other during the minute from `beginMs` on, those of all users at the same
 * instants. @returns their ids
 */
export async function remindersWithinAMinute(
  users: readonly Client[],
  count: number,
  beginMs: number,
  minutesBefore: number,
): Promise<string[]> {
  const each = count / users.length;
  const inputs = Array.from({ length: each }, (_, i) => ({
    dueAt: new Date(beginMs + (i * MINUTE_MS) / each + minutesBefore * MINUTE_MS).toISOString(),
    reminders: [{ minutesBefore }],
  }));
  const created = await Promise.all(users.map((user) => tasks(user, inputs)));
  return created.flat().map(({ id }) => id);
}

/** Milliseconds each came late, sorted. Its sequence is the time at which an event came into the log. */
export const latenessOf = (told: readonly Told[], minutesBefore: number): number[] =>
  told.map(({ seq, facts }) => seq - (Date.parse(facts.dueDate) - minutesBefore * MINUTE_MS)).sort((a, b) => a - b);

export const percentile = (sorted: readonly number[], share: number): number =>
  sorted[Math.ceil(sorted.length * share) - 1]!;
