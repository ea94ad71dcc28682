import { fastify } from 'fastify';
import { shedLoad } from './load-shedding.js';

/** Requests that may begin in one turn of the event loop; two turns may lie between two looks at the clock. */
const PER_TURN = 4;
const REQUESTS = 40;

describe('shedLoad', () => {
  it('begins a few requests in a turn of the event loop, so that whoever comes meanwhile is heard', async () => {
    let turn = 0;
    let next: NodeJS.Immediate;
    const tick = (): void => {
      turn++;
      next = setImmediate(tick);
    };
    const begunIn = new Map<number, number>();
    const app = fastify();
    shedLoad(app);
    app.get('/', () => {
      begunIn.set(turn, (begunIn.get(turn) ?? 0) + 1);
      return 'done';
    });
    await app.ready();
    tick();
    const answers = await Promise.all(Array.from({ length: REQUESTS }, () => app.inject('/')));
    clearImmediate(next!);
    expect(answers.map(({ statusCode, body }) => [statusCode, body])).toEqual(answers.map(() => [200, 'done']));
    expect([...begunIn.values()].reduce((sum, count) => sum + count, 0)).toBe(REQUESTS);
    expect(Math.max(...begunIn.values())).toBeLessThanOrEqual(2 * PER_TURN);
    await app.close();
  });
});
