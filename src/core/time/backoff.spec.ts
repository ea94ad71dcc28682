import { backoffMs } from './backoff.js';

describe('backoffMs', () => {
  afterEach(() => jest.restoreAllMocks());

  it('doubles with each failure, up to the longest', () => {
    jest.spyOn(Math, 'random').mockReturnValue(0);
    const pauses = [0, 1, 2, 3, 4].map((failures) =>
      backoffMs(failures, { firstMs: 1000, longestMs: 5000, jitter: 0.3 }),
    );
    expect(pauses).toEqual([500, 1000, 2000, 4000, 5000]);
    expect(backoffMs(5, { firstMs: 1000, jitter: 0.3 })).toBe(16_000);
  });

  it('takes off at random no more than its part, also of the longest', () => {
    jest.spyOn(Math, 'random').mockReturnValue(1);
    expect(backoffMs(1, { firstMs: 1000, jitter: 0.5 })).toBe(500);
    expect(backoffMs(9, { firstMs: 1000, longestMs: 5000, jitter: 0.2 })).toBe(4000);
  });
});
