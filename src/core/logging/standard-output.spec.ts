import { createLogger } from './logger.js';

describe('the lines of the log', () => {
  const written: string[] = [];
  const logger = createLogger({ logLevel: 'info', logFormat: 'json' });
  const linesOf = (text: string): string[] => text.trimEnd().split('\n');
  const messages = (): string[][] =>
    written.map((text) => linesOf(text).map((line) => (JSON.parse(line) as { message: string }).message));

  beforeEach(() => {
    jest.useFakeTimers();
    written.length = 0;
    jest.spyOn(process.stdout, 'write').mockImplementation((text) => written.push(String(text)) > 0);
  });
  afterEach(() => {
    jest.runAllTimers();
    jest.useRealTimers();
    jest.restoreAllMocks();
  });

  it('of a moment are written together, in order', () => {
    logger.log('one');
    jest.advanceTimersByTime(20);
    logger.log('two');
    expect(written).toEqual([]);
    jest.advanceTimersByTime(30);
    logger.log('three');
    expect(messages()).toEqual([['one', 'two']]);
    jest.advanceTimersByTime(50);
    expect(messages()).toEqual([['one', 'two'], ['three']]);
  });

  it('are written before they are many', () => {
    for (let n = 0; n < 100; n++) logger.log('x'.repeat(1000));
    expect(written.length).toBeGreaterThanOrEqual(2);
    expect(Math.max(...written.map((text) => text.length))).toBeLessThan(40_000);
  });

  it.each(['warn', 'error'] as const)('are written at once with one of level %s', (level) => {
    logger.log('before');
    logger[level]('now');
    expect(messages()).toEqual([['before', 'now']]);
  });

  it('are there when the process ends before', () => {
    logger.log('the last');
    process.emit('exit', 0);
    expect(messages()).toEqual([['the last']]);
  });
});
