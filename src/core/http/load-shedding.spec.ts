import { fastify } from 'fastify';
import { shedLoad } from './load-shedding.js';

/** One begins in a turn of the event loop; two turns may lie between two looks at the clock. */
const BETWEEN_LOOKS = 2;
const REQUESTS = 40;

describe('shedLoad', () => {
  it('begins one request in a turn of the event loop, so that whoever comes meanwhile is heard', async () => {
    let turn = 0;
    let next: NodeJS.Immediate;
    const tick = (): void => {
      turn++;
      next = setImmediate(tick);
    };
    const begunIn = new Map<number, number>();
    const app = fastify();
    shedLoad(app, { answer: () => undefined });
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
    expect(Math.max(...begunIn.values())).toBeLessThanOrEqual(BETWEEN_LOOKS);
    await app.close();
  });

  it('lets those who waited ask the cache again', async () => {
    const known: boolean[] = [];
    const app = fastify();
    app.addHook('onRequest', (request, _reply, done) => {
      request.cached = { generation: 'before' };
      done();
    });
    shedLoad(app, { answer: () => undefined });
    app.get('/', (request) => {
      known.push(request.cached !== undefined);
      return 'done';
    });
    await app.ready();
    await Promise.all([1, 2, 3].map(() => app.inject('/')));
    expect(known).toEqual([true, false, false]);
    await app.close();
  });
});
