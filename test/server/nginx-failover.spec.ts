import { Agent } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { signUp, type Client } from '../support/clients.js';
import { eventually } from '../support/eventually.js';
import { exchange, type Answer, type Fleet } from '../support/fleet.js';
import { startReplicas, type Nginx, type Replicas } from '../support/nginx.js';
import { allPages } from '../support/tasks.js';

describe('nginx, when a process is killed', () => {
  let replicas: Replicas;
  let fleet: Fleet;
  let nginx: Nginx;
  let user: Client;
  let agent: Agent;

  beforeEach(async () => {
    replicas = await startReplicas();
    ({ fleet, nginx } = replicas);
    user = await signUp(nginx);
    agent = new Agent({ keepAlive: true });
  });
  afterEach(async () => {
    agent?.destroy();
    await replicas?.stop();
  });

  const send = (method: string, path: string, body?: object): Promise<Answer> => {
    const headers = { authorization: `Bearer ${user.token}`, 'content-type': 'application/json' };
    return exchange(`${nginx.url}/api/v1${path}`, { method, agent, headers }, body && JSON.stringify(body));
  };
  const create = (title: string): Promise<Answer> => send('POST', '/tasks', { title });

  /** So many at once that every process has some of them. */
  const MANY = 30;
  const readMany = (): Promise<Answer>[] => Array.from({ length: MANY }, () => send('GET', '/users/me'));
  const titlesOf = (name: string): string[] => Array.from({ length: MANY }, (_, n) => `${name} ${n}`);

  it('repeats the reads that it had, and nothing that may have happened', async () => {
    // A process that stands still takes its share and answers none of it: all of that is under way when it dies.
    const victim = fleet.processes[1]!;
    victim.process.kill('SIGSTOP');
    const titles = titlesOf('caught');
    const reads = readMany();
    const creations = titles.map(create);
    const answered = { count: 0 };
    for (const answer of [...reads, ...creations]) void answer.then(() => answered.count++);
    await eventually(() => expect(answered.count).toBeGreaterThan(MANY));
    await victim.end('SIGKILL');

    expect((await Promise.all(reads)).map(({ status }) => status)).toEqual(reads.map(() => 200));
    const created = await Promise.all(creations);
    const lost = created.filter(({ status }) => status !== 201);
    const logged = await nginx.logged('/api/v1/tasks', creations.length);
    expect(lost.length).toBeGreaterThan(0);
    for (const { status, headers, body } of lost) {
      expect({ status, type: headers['content-type'] }).toEqual({ status: 503, type: 'application/problem+json' });
      expect(headers['retry-after']).toBe('2');
      expect(JSON.parse(body)).toMatchObject({ status: 503, code: 'server.unreachable', instance: '/api/v1/tasks' });
    }
    // What the dead process was sent, nobody else was: it had begun none of it.
    const made = (await allPages(user, '?limit=100')).map(({ title }) => title);
    expect(new Set(made).size).toBe(made.length);
    expect(made.sort()).toEqual(titles.filter((_, n) => created[n]!.status === 201).sort());
    const dead = new URL(victim.url).host;
    const sent = logged.filter(({ method, upstream }) => method === 'POST' && upstream === dead);
    expect(sent.length).toBe(lost.length);
  });

  it('sends everything that comes afterwards to the others, creations too', async () => {
    await Promise.all(titlesOf('before').map(create));
    await fleet.processes[0]!.end('SIGKILL');
    const titles = titlesOf('after');
    const answers = await Promise.all([...readMany(), ...titles.map(create)]);
    expect(answers.filter(({ status }) => status >= 300).map(({ body }) => body)).toEqual([]);
    const made = (await allPages(user, '?limit=100')).map(({ title }) => title);
    expect(made.filter((title) => title.startsWith('after')).sort()).toEqual([...titles].sort());
  });

  it('gives no more to a process that does not get on with what it has', async () => {
    const stuck = fleet.processes[0]!;
    stuck.process.kill('SIGSTOP');
    const asked: Promise<Answer>[] = [];
    // Sequentially, as far as they are answered.
    for (let n = 0; n < 20; n++) {
      asked.push(send('GET', '/users/me'));
      await Promise.race([asked.at(-1), delay(1000)]);
    }
    stuck.process.kill('SIGCONT');
    await Promise.all(asked);
    const { host } = new URL(stuck.url);
    const got = (await nginx.logged('/api/v1/users/me', asked.length)).filter(({ upstream }) => upstream === host);
    // One that hangs is one more than the others have. In turn it would have been every third.
    expect(got.length).toBeGreaterThan(0);
    expect(got.length).toBeLessThan(5);
  });

  it('gives a process that is back its share again', async () => {
    await fleet.processes[2]!.end('SIGKILL');
    await Promise.all(readMany());
    await fleet.replace(2);
    const { host } = new URL(fleet.processes[2]!.url);
    await eventually(async () => {
      const before = nginx.accessLog().length;
      // One after the other: nobody has any then, and it goes by turns.
      for (let n = 0; n < 15; n++) await send('GET', '/users/me');
      const asked = nginx.accessLog().slice(before);
      expect(asked.filter(({ upstream, status }) => upstream === host && status === 200).length).toBeGreaterThan(3);
    });
  });

  it('says 503 and when to come again, when there is nobody left', async () => {
    await Promise.all(fleet.processes.map((process) => process.end('SIGKILL')));
    for (const answer of [await send('GET', '/users/me'), await create('nowhere')]) {
      expect({ status: answer.status, retry: answer.headers['retry-after'] }).toEqual({ status: 503, retry: '2' });
      expect(JSON.parse(answer.body)).toMatchObject({ code: 'server.unreachable' });
    }
  });
});
