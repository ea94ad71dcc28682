import { afterQuiet } from './quiet-hours.js';

const NIGHT = { start: '22:00', end: '07:00' };

describe('afterQuiet', () => {
  it.each([
    ['no quiet hours', null, 'UTC', '2026-11-21T23:00:00Z', '2026-11-21T23:00:00Z'],
    ['a moment before they begin', NIGHT, 'UTC', '2026-11-21T21:59:59.999Z', '2026-11-21T21:59:59.999Z'],
    ['the moment they begin', NIGHT, 'UTC', '2026-11-21T22:00:00Z', '2026-11-22T07:00:00Z'],
    ['after midnight', NIGHT, 'UTC', '2026-11-22T00:30:00Z', '2026-11-22T07:00:00Z'],
    ['a moment before they end', NIGHT, 'UTC', '2026-11-22T06:59:59.999Z', '2026-11-22T07:00:00Z'],
    ['the moment they end', NIGHT, 'UTC', '2026-11-22T07:00:00Z', '2026-11-22T07:00:00Z'],
    ['in the middle of a day', { start: '12:00', end: '13:30' }, 'UTC', '2026-11-21T12:15:00Z', '2026-11-21T13:30:00Z'],
    [
      'after them on the same day',
      { start: '12:00', end: '13:30' },
      'UTC',
      '2026-11-21T14:00:00Z',
      '2026-11-21T14:00:00Z',
    ],
    // 23:00 in Tokyo, where 07:00 is 22:00 UTC.
    ['in the user’s zone', NIGHT, 'Asia/Tokyo', '2026-11-21T14:00:00Z', '2026-11-21T22:00:00Z'],
    ['in a zone with half an hour', NIGHT, 'Asia/Kolkata', '2026-11-21T20:00:00Z', '2026-11-22T01:30:00Z'],
  ])('with %s', (_what, quiet, zone, now, expected) => {
    expect(afterQuiet(new Date(now), zone, quiet)).toEqual(new Date(expected));
  });

  // Berlin: 02:00 → 03:00 on 29 March 2026 at 01:00 UTC; 03:00 → 02:00 on 25 October 2026 at 01:00 UTC.
  it.each([
    ['is an hour shorter when the clock goes forward', NIGHT, '2026-03-28T22:00:00Z', '2026-03-29T05:00:00Z'],
    ['is an hour longer when it goes back', NIGHT, '2026-10-24T21:00:00Z', '2026-10-25T06:00:00Z'],
    [
      'that ends at a time that is skipped ends when it is skipped',
      { start: '22:00', end: '02:30' },
      '2026-03-28T23:00:00Z',
      '2026-03-29T01:00:00Z',
    ],
    [
      'that ends at a time that comes twice ends at the first',
      { start: '22:00', end: '02:30' },
      '2026-10-24T23:00:00Z',
      '2026-10-25T00:30:00Z',
    ],
    [
      'goes on when its time comes again',
      { start: '22:00', end: '02:30' },
      '2026-10-25T01:10:00Z',
      '2026-10-25T01:30:00Z',
    ],
  ])('a night in Berlin %s', (_what, quiet, now, expected) => {
    expect(afterQuiet(new Date(now), 'Europe/Berlin', quiet)).toEqual(new Date(expected));
  });

  it('ends on the next day also when that is the day of the change', () => {
    const quiet = { start: '08:00', end: '07:59' };
    expect(afterQuiet(new Date('2026-03-28T08:00:00Z'), 'Europe/Berlin', quiet)).toEqual(
      new Date('2026-03-29T05:59:00Z'),
    );
  });
});
