import { randomUUID } from 'node:crypto';
import amqp from 'amqplib';
import { DeadLetters } from '../../src/core/events/dead-letters.js';
import { startTestDatabase, type TestApp } from '../support/app.js';
import { signUp, type Client } from '../support/clients.js';
import { groupOf, startEventApp, type Group } from '../support/event-app.js';
import { eventually } from '../support/eventually.js';
import { startRabbit, type RabbitProcess } from '../support/rabbitmq.js';

/** What a write may take in a test, on a busy machine; a request that waited for RabbitMQ would take seconds. */
const WRITE_MS = 1500;
const WITHIN_MS = 40_000;

let rabbit: RabbitProcess;
let database: Awaited<ReturnType<typeof startTestDatabase>>;
let app: Pick<TestApp, 'app' | 'url'>;
let group: Group;
let ada: Client;

beforeAll(async () => {
  [rabbit, database] = await Promise.all([startRabbit(), startTestDatabase()]);
  group = groupOf('outage', 'task.created');
  app = await startEventApp(database.uri, [group], { EVENTS_URL: rabbit.url });
  ada = await signUp(app);
});
afterAll(async () => {
  await app.app.close();
  await database.close();
  await rabbit.stop();
});

/** Creates tasks for so long. @returns their ids */
async function createFor(ms: number): Promise<string[]> {
  const ids: string[] = [];
  for (const endMs = performance.now() + ms; performance.now() < endMs;) {
    const begun = performance.now();
    const { body } = await ada.post('/tasks').send({ title: 'A task' }).expect(201);
    expect(performance.now() - begun).toBeLessThan(WRITE_MS);
    ids.push((body as { id: string }).id);
  }
  return ids;
}

const seen = (): Set<unknown> => new Set(group.seen.map(({ facts }) => facts['taskId']));
const missing = (ids: readonly string[]): string[] => {
  const reached = seen();
  return ids.filter((id) => !reached.has(id));
};

describe('While RabbitMQ is away', () => {
  it('requests are answered as ever, and everything arrives when it is back', async () => {
    const before = await createFor(300);
    await rabbit.kill('SIGTERM');
    const meanwhile = await createFor(8000);
    await rabbit.restart();
    const after = await createFor(300);
    const all = [...before, ...meanwhile, ...after];
    await eventually(() => expect([...seen()].length).toBe(all.length), WITHIN_MS);
    expect(seen()).toEqual(new Set(all));
    expect(await app.app.get(DeadLetters).list(1)).toEqual([]);
  });

  it('that is short of memory and takes nothing more, requests are answered and nothing is lost', async () => {
    await rabbit.control('set_vm_memory_high_watermark', '0.0000001');
    const meanwhile = await createFor(6000);
    expect(missing(meanwhile).length).toBeGreaterThan(0);
    await rabbit.control('set_vm_memory_high_watermark', '0.9');
    await eventually(() => expect(missing(meanwhile)).toEqual([]), WITHIN_MS);
  });
});

describe('What the broker gives up', () => {
  it('is a dead letter: also a message that is no event', async () => {
    const id = randomUUID();
    const connection = await amqp.connect(rabbit.url);
    const channel = await connection.createConfirmChannel();
    channel.publish('taskflow.events', 'task.created', Buffer.from('{"what":"is this"}'), { messageId: id });
    await channel.waitForConfirms();
    await connection.close();
    await eventually(async () => {
      const letters = await app.app.get(DeadLetters).list(10);
      expect(letters.find((letter) => letter.id === `outage.${id}`)).toMatchObject({
        kind: 'event',
        group: 'outage',
        name: 'task.created',
        payload: { content: '{"what":"is this"}' },
        error: 'is not an event',
      });
    }, WITHIN_MS);
  });
});
