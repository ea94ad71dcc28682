import type { OwnTaskCount } from './task-stats.repository.js';
import { localDay, nextChange } from './task-stats.service.js';

describe('localDay', () => {
  const days: [zone: string, now: string, start: string, end: string][] = [
    ['UTC', '2026-03-01T00:00:00.000Z', '2026-03-01T00:00:00.000Z', '2026-03-02T00:00:00.000Z'],
    ['Europe/Berlin', '2026-03-29T12:00:00Z', '2026-03-28T23:00:00.000Z', '2026-03-29T22:00:00.000Z'],
    ['Europe/Berlin', '2026-10-25T12:00:00Z', '2026-10-24T22:00:00.000Z', '2026-10-25T23:00:00.000Z'],
    ['Asia/Kathmandu', '2026-01-01T18:14:59.999Z', '2025-12-31T18:15:00.000Z', '2026-01-01T18:15:00.000Z'],
    ['Asia/Kathmandu', '2026-01-01T18:15:00.000Z', '2026-01-01T18:15:00.000Z', '2026-01-02T18:15:00.000Z'],
    // No midnight: clocks go from 24:00 to 01:00.
    ['America/Santiago', '2026-09-06T12:00:00Z', '2026-09-06T04:00:00.000Z', '2026-09-07T03:00:00.000Z'],
    ['America/Santiago', '2026-09-06T03:59:59Z', '2026-09-05T04:00:00.000Z', '2026-09-06T04:00:00.000Z'],
    // Two midnights: clocks go from 01:00 to 00:00, and the day begins with the first one.
    ['America/Havana', '2026-11-01T04:30:00Z', '2026-11-01T04:00:00.000Z', '2026-11-02T05:00:00.000Z'],
    ['America/Havana', '2026-11-01T17:00:00Z', '2026-11-01T04:00:00.000Z', '2026-11-02T05:00:00.000Z'],
    ['Pacific/Kiritimati', '2026-01-01T10:00:00Z', '2026-01-01T10:00:00.000Z', '2026-01-02T10:00:00.000Z'],
  ];
  it.each(days)('in %s at %s', (zone, now, start, end) => {
    const day = localDay(new Date(now), zone);
    expect([day.start.toISOString(), day.end.toISOString()]).toEqual([start, end]);
  });
});

describe('nextChange', () => {
  const never = new Date('9999-12-31T23:59:59.999Z');
  const midnight = new Date('2026-03-02T00:00:00Z');
  const count = (given: Partial<OwnTaskCount>): OwnTaskCount => ({
    status: 'todo',
    priority: 'low',
    total: 1,
    overdue: 0,
    dueToday: 0,
    completedRecently: 0,
    nextDue: never,
    firstCompleted: never,
    ...given,
  });

  it('is midnight at the latest', () => {
    expect(nextChange([], midnight)).toEqual(midnight);
    expect(nextChange([count({})], midnight)).toEqual(midnight);
  });

  it('is when a task becomes due', () => {
    const [sooner, later] = [new Date('2026-03-01T10:00:00Z'), new Date('2026-03-01T11:00:00Z')];
    expect(nextChange([count({ nextDue: later }), count({ nextDue: sooner })], midnight)).toEqual(sooner);
  });

  it('is when a completion is a week old', () => {
    const completed = new Date('2026-02-22T10:00:00Z');
    expect(nextChange([count({ firstCompleted: completed })], midnight)).toEqual(new Date('2026-03-01T10:00:00Z'));
  });
});
