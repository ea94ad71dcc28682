import { signUp } from '../support/clients.js';
import { eventually } from '../support/eventually.js';
import { startFleet, type Fleet } from '../support/fleet.js';
import { asSent, dashboards, rules } from '../support/monitoring.js';
import { startPrometheus, type Prometheus } from '../support/prometheus.js';
import { startRedis, type RedisProcess } from '../support/redis-server.js';
import { aTask } from '../support/tasks.js';

const TOKEN = 'the token of metrics in this test';

/** Shows nothing here, because nothing of it happens. */
const QUIET = new Set(['Got no connection', 'Failed deliveries', 'Free disk']);

/** Of Kubernetes, and of embedded mode: their series are not there. */
const ELSEWHERE = new Set(['TaskFlowAutoscalerAtMax', 'TaskFlowDiskFull']);

const panels = dashboards().flatMap((board) =>
  board.panels.flatMap((panel) =>
    (panel.targets ?? []).map((target) => [`${board.title}: ${panel.title}, ${target.refId}`, panel, target] as const),
  ),
);

describe('a real Prometheus that scrapes two processes, which lose their Redis', () => {
  let redis: RedisProcess;
  let fleet: Fleet;
  let prometheus: Prometheus;
  let refreshToken: string;

  beforeAll(async () => {
    redis = await startRedis();
    fleet = await startFleet(2, { REDIS_URL: redis.url, METRICS_TOKEN: TOKEN, RATE_LIMIT_PER_MINUTE: '60' });
    prometheus = await startPrometheus(
      fleet.processes.map(({ url }) => new URL(url).host),
      TOKEN,
    );
    await whileScraped(ordinaryDay);
    await redis.kill('SIGKILL');
    await whileScraped(withoutRedis);
  });
  afterAll(async () => {
    await prometheus?.stop();
    await fleet?.stop();
    await redis?.stop();
  });

  /** Rates need two samples of each series, so that everything happens again between them. */
  const whileScraped = async (work: () => Promise<void>): Promise<void> => {
    for (let round = 0; round < 3; round++) {
      const before = await scrapes();
      await work();
      await eventually(async () => expect(await scrapes()).toBeGreaterThanOrEqual(before + 2), 20_000);
    }
  };

  /** How often the process that was asked least has been asked. */
  const scrapes = async (): Promise<number> => {
    const counted = await prometheus.query('min(count_over_time(up{job="taskflow"}[1h]))');
    return Number(counted[0]?.value[1] ?? 0);
  };

  async function ordinaryDay(): Promise<void> {
    for (const { url, http } of fleet.processes) {
      const user = await signUp({ url });
      const task = await aTask(user);
      for (const path of ['/tasks/stats', '/tasks/stats', '/tasks', `/tasks/${task.id}`, '/users/me', '/nowhere'])
        await user.get(path);
      // Overdue before the next scrape but one.
      await aTask(user, { dueAt: new Date(Date.now() + 500).toISOString() });
      const stream = await fetch(`${url}/api/v1/events`, { headers: { authorization: `Bearer ${user.token}` } });
      await stream.body!.cancel();
      await user.post('/auth/logout').expect(204);
      const greedy = await signUp({ url });
      ({ refreshToken } = greedy);
      await Promise.all(Array.from({ length: 70 }, () => greedy.get('/users/me')));
      await http.get('/api/health/ready').expect(200);
    }
  }

  async function withoutRedis(): Promise<void> {
    for (const { http } of fleet.processes) {
      await Promise.all(
        Array.from({ length: 5 }, () => http.post('/api/v1/auth/refresh').send({ refreshToken }).expect(503)),
      );
      await http.get('/api/v1/tasks').expect(401);
    }
  }

  it('finds what every panel of every dashboard asks for', async () => {
    const empty: string[] = [];
    for (const [name, panel, { expr }] of panels) {
      const samples = await prometheus.query(asSent(expr));
      if (!samples.some(({ value }) => value[1] !== 'NaN') && !QUIET.has(panel.title)) empty.push(name);
    }
    expect(empty).toEqual([]);
  });

  it('evaluates every rule, and records something with each', async () => {
    const { groups } = await prometheus.get<{ groups: { rules: { name: string; health: string }[] }[] }>('rules');
    const evaluated = groups.flatMap((group) => group.rules);
    expect(evaluated.filter(({ health }) => health !== 'ok')).toEqual([]);
    expect(evaluated).toHaveLength(rules().length);
    for (const { record } of rules().filter((rule) => rule.record))
      expect([record, (await prometheus.query(record!)).length > 0]).toEqual([record, true]);
  });

  it('has the series of every alert', async () => {
    const metrics = new Set(await prometheus.get<string[]>('label/__name__/values'));
    const asked = rules().filter(({ alert }) => alert && !ELSEWHERE.has(alert));
    const missing = asked.flatMap(({ alert, expr }) =>
      [...expr.matchAll(/\b(?:taskflow|nodejs)_\w+|\bjob:[\w:]+/g)]
        .map(([name]) => name)
        .filter((name) => !metrics.has(name) && name !== 'taskflow_mongodb_checkout_failures_total')
        .map((name) => `${alert}: ${name}`),
    );
    expect(missing).toEqual([]);
  });

  it('is about to say that Redis is away and that refreshing fails, and nothing that is not so', async () => {
    const { alerts } = await prometheus.get<{ alerts: { labels: { alertname: string } }[] }>('alerts');
    const names = new Set(alerts.map(({ labels }) => labels.alertname));
    // A busy machine makes these true.
    for (const name of ['TaskFlowSlow', 'TaskFlowEventLoopLag']) names.delete(name);
    expect([...names].sort()).toEqual([
      'TaskFlowErrorBudgetBurnFast',
      'TaskFlowErrorBudgetBurnSlow',
      'TaskFlowRateLimitLocal',
      'TaskFlowRedisBreakerOpen',
    ]);
  });

  it('is refused without the right token, and served again with it', async () => {
    const health = async (): Promise<{ up: string[]; errors: string[] }> => {
      const targets = await prometheus.get<{
        activeTargets: { labels: { job: string }; health: string; lastError: string }[];
      }>('targets?state=active');
      const own = targets.activeTargets.filter(({ labels }) => labels.job === 'taskflow');
      return { up: own.map((target) => target.health), errors: own.map(({ lastError }) => lastError) };
    };
    prometheus.useToken('guessed');
    const refused = expect.stringContaining('401');
    await eventually(
      async () => expect(await health()).toEqual({ up: ['down', 'down'], errors: [refused, refused] }),
      20_000,
    );
    prometheus.useToken(TOKEN);
    await eventually(async () => expect(await health()).toEqual({ up: ['up', 'up'], errors: ['', ''] }), 20_000);
  });
});
