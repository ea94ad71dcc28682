import { LastSeen } from './last-seen.js';

describe('LastSeen', () => {
  afterEach(() => jest.restoreAllMocks());

  it('is 0 until somebody has looked, and again when nobody has looked for half a minute', () => {
    const now = jest.spyOn(performance, 'now').mockReturnValue(1000);
    const seen = new LastSeen();
    expect(seen.value).toBe(0);
    seen.value = 7;
    now.mockReturnValue(30_999);
    expect(seen.value).toBe(7);
    now.mockReturnValue(31_000);
    expect(seen.value).toBe(0);
  });
});
