import { Agent } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { signUp, type Client } from '../support/clients.js';
import { eventually } from '../support/eventually.js';
import { exchange, type Fleet } from '../support/fleet.js';
import { startReplicas, UNLIMITED, type Change, type Nginx, type Replicas } from '../support/nginx.js';
import { allPages, tasks } from '../support/tasks.js';

const REQUESTS_PER_SECOND = 45;

interface Outcome {
  readonly method: string;
  /** `undefined`: it succeeded. */
  readonly failure?: string;
}

describe('a rolling restart behind nginx', () => {
  let replicas: Replicas;
  let fleet: Fleet;
  let nginx: Nginx;
  let user: Client;
  let patched: string[];

  beforeAll(async () => {
    // Below DRAIN_SECONDS, as the 4 s are below the 10 of deployments.
    const changes: Change[] = [
      UNLIMITED,
      ['taskflow/upstream.conf', 'keepalive_timeout 4s', 'keepalive_timeout 400ms'],
    ];
    const environment = {
      DRAIN_SECONDS: '1',
      // Not about what happens on a machine that is too busy.
      REQUEST_TIMEOUT_MS: '20000',
      MONGODB_OPERATION_TIMEOUT_MS: '20000',
      MONGODB_SERVER_SELECTION_TIMEOUT_MS: '20000',
      MONGODB_SOCKET_TIMEOUT_MS: '30000',
    };
    replicas = await startReplicas(environment, changes);
    ({ fleet, nginx } = replicas);
    user = await signUp(nginx);
    const inputs = Array.from({ length: 100 }, (_, n) => ({ title: `patched ${n}` }));
    patched = (await tasks(user, inputs)).map(({ id }) => id);
  });
  afterAll(async () => {
    await replicas?.stop();
  });

  /** Sends at times that are fixed in advance, whatever becomes of earlier requests, until it is told to stop. */
  function load(): { stop(): Promise<Outcome[]> } {
    const agent = new Agent({ keepAlive: true, maxSockets: 100 });
    const headers = { authorization: `Bearer ${user.token}`, 'content-type': 'application/json' };
    const send = async (method: string, path: string, body?: object): Promise<Outcome> => {
      const url = `${nginx.url}/api/v1${path}`;
      return exchange(url, { method, agent, headers }, body && JSON.stringify(body)).then(
        (answer) => (answer.status < 300 ? { method } : { method, failure: `${answer.status} ${answer.body}` }),
        (error: Error) => ({ method, failure: error.message }),
      );
    };
    const kinds = [
      () => send('GET', '/tasks?limit=5'),
      (n: number) => send('POST', '/tasks', { title: `created ${n}` }),
      (n: number) => send('PATCH', `/tasks/${patched[n % patched.length]}`, { description: `change ${n}` }),
    ];
    const outcomes: Promise<Outcome>[] = [];
    const begun = performance.now();
    const stopped = new AbortController();
    const sending = (async () => {
      for (let n = 0; !stopped.signal.aborted; n++) {
        await delay(begun + (n * 1000) / REQUESTS_PER_SECOND - performance.now());
        outcomes.push(kinds[n % kinds.length]!(n));
      }
    })();
    return {
      async stop() {
        stopped.abort();
        await sending;
        const all = await Promise.all(outcomes);
        agent.destroy();
        return all;
      },
    };
  }

  /** As deployments do it: the next one is stopped when this one is ready and has its share again. */
  async function restart(index: number): Promise<void> {
    expect(await fleet.processes[index]!.end('SIGTERM')).toEqual({ code: 0, signal: null });
    await fleet.replace(index);
    const { http, url } = fleet.processes[index]!;
    await eventually(() => http.get('/api/health/ready').expect(200), 20_000);
    const before = nginx.accessLog().length;
    await eventually(() => {
      const asked = nginx.accessLog().slice(before);
      expect(asked.map(({ upstream }) => upstream)).toContain(new URL(url).host);
    }, 20_000);
  }

  it('of all three, three times around under constant load, fails no request and creates nothing twice', async () => {
    const traffic = load();
    for (let turn = 0; turn < 9; turn++) await restart(turn % 3);
    const outcomes = await traffic.stop();
    expect(outcomes.flatMap(({ method, failure }) => (failure ? [`${method}: ${failure}`] : []))).toEqual([]);
    expect(outcomes.length).toBeGreaterThan(9 * REQUESTS_PER_SECOND);

    const titles = (await allPages(user, '?limit=100')).map(({ title }) => title);
    const created = titles.filter((title) => title.startsWith('created'));
    expect(new Set(created).size).toBe(created.length);
    expect(created.length).toBe(outcomes.filter(({ method }) => method === 'POST').length);
  }, 300_000);
});
