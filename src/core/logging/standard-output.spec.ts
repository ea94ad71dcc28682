import { setImmediate as nextTurn } from 'node:timers/promises';
import { createLogger } from './logger.js';

describe('the lines of the log', () => {
  const written: string[] = [];
  const logger = createLogger({ logLevel: 'info', logFormat: 'json' });
  const messages = (): string[][] =>
    written.map((text) =>
      text
        .trimEnd()
        .split('\n')
        .map((line) => (JSON.parse(line) as { message: string }).message),
    );

  beforeEach(() => {
    written.length = 0;
    jest.spyOn(process.stdout, 'write').mockImplementation((text) => written.push(String(text)) > 0);
  });
  afterEach(() => jest.restoreAllMocks());

  it('of one turn are written together, in order', async () => {
    logger.log('one');
    logger.log('two');
    expect(written).toEqual([]);
    await nextTurn();
    logger.log('three');
    await nextTurn();
    expect(messages()).toEqual([['one', 'two'], ['three']]);
  });

  it.each(['warn', 'error'] as const)('are written at once with one of level %s', async (level) => {
    logger.log('before');
    logger[level]('now');
    expect(messages()).toEqual([['before', 'now']]);
    await nextTurn();
    expect(written).toHaveLength(1);
  });

  it('are there when the process ends in the same turn', () => {
    logger.log('the last');
    process.emit('exit', 0);
    expect(messages()).toEqual([['the last']]);
  });
});
