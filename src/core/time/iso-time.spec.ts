import { isoTime } from './iso-time.js';

describe('isoTime', () => {
  it.each([
    '2026-03-01T09:05:07.080Z',
    '1970-01-01T00:00:00.000Z',
    '1969-12-31T23:59:59.999Z',
    '0001-01-01T00:00:00.000Z',
    '9999-12-31T23:59:59.999Z',
    '2024-02-29T12:00:00.001Z',
    '+010000-01-01T00:00:00.000Z',
  ])('writes %s', (text) => {
    expect(isoTime(new Date(text))).toBe(text);
  });

  it('writes every instant as Date does, of more days than it remembers', () => {
    for (let n = 0; n < 10_000; n++) {
      const date = new Date(Date.UTC(1990, 0, 1) + n * (24 * 60 * 60 * 1000 + 3_723_004));
      expect(isoTime(date)).toBe(date.toISOString());
    }
  });

  it('refuses what is no instant', () => {
    expect(() => isoTime(new Date(Number.NaN))).toThrow(RangeError);
  });
});
