import { TasksService } from '../../src/modules/tasks/index.js';
import { startTestApp, type TestApp } from '../support/app.js';
import { signUp, type Client } from '../support/clients.js';
import { requireCurrentDist, startProcess, temporaryDirectory, type TaskFlowProcess } from '../support/dist.js';
import { eventually } from '../support/eventually.js';
import { startReceiver, type Receiver } from '../support/receiver.js';

interface Report {
  readonly release: string;
  readonly transaction?: string;
  readonly tags?: Readonly<Record<string, string>>;
  readonly exception: { readonly values: readonly [{ type: string; value: string; stacktrace: { frames: object[] } }] };
}

let sentry: Receiver;
const dsn = (): string => `${sentry.url.replace('//', '//publickey@')}/42`;
/** An envelope is lines of JSON: its head, and for each item a head and the item. */
const reports = (): Report[] => sentry.received.map(({ body }) => JSON.parse(body.trimEnd().split('\n')[2]!) as Report);

beforeEach(async () => {
  sentry = await startReceiver();
});
afterEach(() => sentry.close());

describe('a bug', () => {
  const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
  const secrets = {
    authorization: 'Bearer hidden-token',
    cookie: 'taskflow_refresh=hidden-cookie',
    'user-agent': 'hidden-agent',
  };
  let app: TestApp;
  let ada: Client;
  beforeEach(async () => {
    app = await startTestApp({ SENTRY_DSN: dsn(), COMMIT: 'abcdef0' });
    ada = await signUp(app);
  });
  afterEach(async () => {
    await app.close();
    jest.restoreAllMocks();
  });
  const fail = (error: unknown): void => {
    jest.spyOn(app.app.get(TasksService), 'get').mockRejectedValueOnce(error);
  };

  it('is reported with its stack, its request, its trace, its route and the release', async () => {
    fail(new TypeError('no such thing'));
    await ada.get('/tasks/0123456789abcdef01234567').set({ traceparent, 'x-request-id': 'bug-1' }).expect(500);
    await eventually(() => expect(reports()).toHaveLength(1));
    const [report] = reports();
    expect(sentry.received[0]?.path).toMatch(/^\/api\/42\/envelope\//);
    expect(report).toMatchObject({
      release: expect.stringMatching(/^taskflow@\d+\.\d+\.\d+\+abcdef0$/),
      transaction: 'GET /api/v1/tasks/:id',
      tags: { request_id: 'bug-1', trace_id: '4bf92f3577b34da6a3ce929d0e0e4736', route: '/api/v1/tasks/:id' },
      exception: { values: [{ type: 'TypeError', value: 'no such thing' }] },
    });
    expect(JSON.stringify(report?.exception.values[0].stacktrace.frames)).toContain('reports.spec');
  });

  it('is reported without anything that a user sent or is', async () => {
    fail(new Error(`E11000 { email: "${ada.email}" } at mongodb://root:hidden-password@db, Bearer ${ada.token}`));
    await ada.get('/tasks/0123456789abcdef01234567?q=hidden-query').set({ 'user-agent': secrets['user-agent'] });
    await eventually(() => expect(reports()).toHaveLength(1));
    const sent = JSON.stringify(sentry.received.map(({ body }) => body));
    for (const secret of [
      ada.email,
      ada.token,
      ada.user.id,
      'hidden',
      '0123456789abcdef01234567',
      '127.0.0.1',
      '::1',
    ]) {
      expect(sent).not.toContain(secret);
    }
  });

  it('is the only thing that is reported: not what clients do wrong, and not that a store is away', async () => {
    await ada.get('/tasks/nothing').expect(404);
    await ada.post('/tasks').send({ unknown: true }).expect(422);
    await app.http.get('/api/v1/tasks').set(secrets).expect(401);
    fail(Object.assign(new Error('away'), { name: 'MongoWaitQueueTimeoutError' }));
    await ada.get('/tasks/0123456789abcdef01234567').expect(503);
    fail(new Error('the last one'));
    await ada.get('/tasks/0123456789abcdef01234567').expect(500);
    await eventually(() =>
      expect(reports().map(({ exception }) => exception.values[0].value)).toEqual(['the last one']),
    );
  });

  it('is delivered before the application has closed, and a Sentry that answers nothing holds it up for 2 s', async () => {
    sentry.freeze();
    fail(new Error('late'));
    const begun = performance.now();
    await ada.get('/tasks/0123456789abcdef01234567').expect(500);
    expect(performance.now() - begun).toBeLessThan(1000);
    const closing = performance.now();
    await app.close();
    expect(performance.now() - closing).toBeLessThan(3500);
    expect(reports()).toHaveLength(1);
  });
});

describe('a crash', () => {
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
  let running: TaskFlowProcess | undefined;
  beforeAll(requireCurrentDist);
  beforeEach(async () => {
    directory = await temporaryDirectory();
  });
  afterEach(async () => {
    await running?.end('SIGKILL');
    await directory.remove();
  });

  it.each([
    ['an exception that nobody catches', 'throw new RangeError("out of order")'],
    ['a rejection that nobody handles', 'void Promise.reject(new RangeError("out of order"))'],
  ])('by %s is reported before the process ends with 1', async (_what, code) => {
    const onSignal = `process.on('SIGUSR2',()=>setImmediate(()=>{${code}}))`;
    running = await startProcess({
      DATA_DIR: directory.path,
      SENTRY_DSN: dsn(),
      NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(onSignal)}`,
    });
    running.process.kill('SIGUSR2');
    const ended = new Promise((resolve) => running!.process.once('exit', resolve));
    expect(await ended).toBe(1);
    expect(reports()).toHaveLength(1);
    expect(reports()[0]?.exception.values[0]).toMatchObject({ type: 'RangeError', value: 'out of order' });
  });
});
