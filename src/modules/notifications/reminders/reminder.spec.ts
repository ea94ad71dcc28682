import type { Deadline } from '../../tasks/index.js';
import { DEFAULT_REMINDERS, eventIdOf, isStillDue, remindersOf, type PlannedReminder } from './reminder.js';

const dueAt = new Date('2026-03-29T09:00:00.000Z');
const task = (change: Partial<Deadline> = {}): Deadline => ({
  taskId: 't',
  owner: 'ada',
  dueAt,
  reminders: null,
  ...change,
});
const moments = (deadline: Deadline): string[] =>
  remindersOf(deadline, DEFAULT_REMINDERS).map(({ kind, fireAt }) => `${kind} ${fireAt.toISOString()}`);
const at = (time: string): Date => new Date(time);

describe('remindersOf', () => {
  it('a task without reminders of its own has those of its owner, and one when it is overdue', () => {
    expect(moments(task())).toEqual([
      'approaching 2026-03-28T09:00:00.000Z',
      'approaching 2026-03-29T08:00:00.000Z',
      'overdue 2026-03-29T09:00:00.000Z',
    ]);
  });

  it('its own replace them, also when it wants none', () => {
    expect(moments(task({ reminders: [{ minutesBefore: 5 }] }))).toEqual([
      'approaching 2026-03-29T08:55:00.000Z',
      'overdue 2026-03-29T09:00:00.000Z',
    ]);
    expect(moments(task({ reminders: [] }))).toEqual(['overdue 2026-03-29T09:00:00.000Z']);
  });

  it('a day before is 24 hours before, also where the clocks change in between', () => {
    // In Berlin 29 March 2026 has 23 hours: 11:00 there is 10:00 the day before.
    const [day] = remindersOf(task(), [{ minutesBefore: 1440 }]);
    expect(dueAt.getTime() - day!.fireAt.getTime()).toBe(24 * 60 * 60 * 1000);
  });

  it('the same moment of the same deadline has one id and one event, any other has another', () => {
    const ids = (deadline: Deadline): string[] => remindersOf(deadline, DEFAULT_REMINDERS).map(({ id }) => id);
    const events = (deadline: Deadline): string[] => remindersOf(deadline, DEFAULT_REMINDERS).map(eventIdOf);
    expect(ids(task())).toEqual(ids(task()));
    expect(events(task())).toEqual(events(task()));
    const all = [task(), task({ dueAt: at('2026-03-29T09:00:00.001Z') }), task({ taskId: 'u' })];
    expect(new Set(all.flatMap(ids)).size).toBe(9);
    expect(new Set(all.flatMap(events)).size).toBe(9);
    expect(events(task())[0]).toMatch(/^[\da-f]{8}-[\da-f]{4}-5[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/);
  });
});

describe('isStillDue', () => {
  const reminders = remindersOf(task({ reminders: [{ minutesBefore: 60 }, { minutesBefore: 0 }] }), []);
  const [hour, end, overdue] = reminders as [PlannedReminder, PlannedReminder, PlannedReminder];

  it('not when the task has no deadline any more, or another one', () => {
    expect(isStillDue(overdue, undefined, at('2026-03-29T09:00:01Z'))).toBe(false);
    expect(isStillDue(overdue, task({ dueAt: at('2026-03-30T09:00:00Z') }), at('2026-03-29T09:00:01Z'))).toBe(false);
  });

  const cases: [what: string, reminder: PlannedReminder, now: string, expected: boolean][] = [
    ['an hour before, on time', hour, '2026-03-29T08:00:00.001Z', true],
    ['an hour before, late', hour, '2026-03-29T08:59:59.999Z', true],
    ['an hour before, when it is over', hour, '2026-03-29T09:00:00.000Z', false],
    ['at the very end', end, '2026-03-29T09:00:00.001Z', true],
    ['at the very end, a minute late', end, '2026-03-29T09:01:00.000Z', false],
    ['overdue, days late', overdue, '2026-04-05T09:00:00.000Z', true],
  ];
  it.each(cases)('%s', (_what, reminder, now, expected) => {
    expect(isStillDue(reminder, task(), at(now))).toBe(expected);
  });
});
