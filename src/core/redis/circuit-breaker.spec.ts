import { CircuitBreaker } from './circuit-breaker.js';

describe('CircuitBreaker', () => {
  let changes: boolean[];
  let breaker: CircuitBreaker;
  beforeEach(() => {
    changes = [];
    breaker = new CircuitBreaker((isOpen) => changes.push(isOpen));
  });
  const fail = (times: number): void => {
    for (let n = 0; n < times; n++) breaker.fail();
  };

  it('opens with the third failure in a row, and says so once', () => {
    fail(2);
    expect(breaker.isOpen).toBe(false);
    fail(5);
    expect(breaker.isOpen).toBe(true);
    expect(changes).toEqual([true]);
  });

  it('bears failures with successes in between', () => {
    for (let n = 0; n < 10; n++) {
      fail(2);
      breaker.succeed();
    }
    expect(changes).toEqual([]);
  });

  it('closes with one success and wants three failures again', () => {
    fail(3);
    breaker.succeed();
    fail(2);
    expect(breaker.isOpen).toBe(false);
    expect(changes).toEqual([true, false]);
  });
});
