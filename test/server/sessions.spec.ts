import { getConnectionToken } from '@nestjs/mongoose';
import { Redis } from 'ioredis';
import type { Connection } from 'mongoose';
import { Clock } from '../../src/core/time/clock.js';
import { RevocationStore } from '../../src/core/security/revocation.store.js';
import { Revocations } from '../../src/core/security/revocations.js';
import { Sessions } from '../../src/modules/auth/index.js';
import { startTestApp, startTestDatabase, type TestApp } from '../support/app.js';
import { newAccount, signIn, signUp, signUpAdmin, type Client } from '../support/clients.js';
import { eventually } from '../support/eventually.js';
import { MailedTokensOf } from '../support/mailed-tokens.js';
import { expectProblem } from '../support/problems.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { startRedis, startRedisCluster, type RedisProcess } from '../support/redis-server.js';

/** Two instances on one MongoDB and one Redis, which keeps what it has over a kill. */
let a: TestApp;
let b: TestApp;
let database: Awaited<ReturnType<typeof startTestDatabase>>;
let redis: RedisProcess;
let mailed: MailedTokensOf;

beforeAll(async () => {
  redis = await startRedis({ settings: { appendonly: 'yes', appendfsync: 'always' } });
  database = await startTestDatabase();
  const environment = { MONGODB_URI: database.uri, REDIS_URL: redis.url };
  a = await startTestApp(environment);
  b = await startTestApp(environment);
  mailed = new MailedTokensOf(a, [b]);
});
afterAll(async () => {
  await Promise.all([a?.close(), b?.close()]);
  await database?.close();
  await redis?.stop();
});
afterEach(() => {
  jest.restoreAllMocks();
});

const refreshAt = ({ http }: TestApp, refreshToken: string) => http.post('/api/v1/auth/refresh').send({ refreshToken });
const meAt = ({ http }: TestApp, token: string) => http.get('/api/v1/users/me').set('authorization', `Bearer ${token}`);
const later = (ms: number): void => {
  const now = Date.now();
  for (const { app } of [a, b]) jest.spyOn(app.get(Clock), 'now').mockImplementation(() => new Date(now + ms));
};

/** The instance that was not asked refuses the token within a second. */
async function expectRefusedAt(app: TestApp, token: string, since: number): Promise<void> {
  await eventually(async () => expectProblem(await meAt(app, token), 401, 'auth.token_invalid'), 1500);
  expect(performance.now() - since).toBeLessThan(1000);
}

/** What ends tokens: each is done at one instance, and refused at the other. */
const ENDS: Record<string, { keepsWorkingAway: boolean; end(client: Client, admin: Client): Promise<unknown> }> = {
  logout: { keepsWorkingAway: true, end: (client) => client.post('/auth/logout').expect(204) },
  'logout of all': { keepsWorkingAway: true, end: (client) => client.post('/auth/logout-all').expect(204) },
  'a new role': {
    keepsWorkingAway: true,
    end: ({ user }, admin) => admin.patch(`/admin/users/${user.id}`).send({ role: 'admin' }).expect(200),
  },
  suspension: {
    keepsWorkingAway: true,
    end: ({ user }, admin) => admin.patch(`/admin/users/${user.id}`).send({ status: 'suspended' }).expect(200),
  },
  'the end of all sessions by an admin': {
    keepsWorkingAway: true,
    end: ({ user }, admin) => admin.post(`/admin/users/${user.id}/revoke-sessions`).expect(204),
  },
  'a new password with a token from a mail': {
    keepsWorkingAway: true,
    end: async ({ user, email, password }) => {
      const post = (path: string, body: object) => a.http.post(`/api/v1/auth/${path}`).send(body);
      await post('forgot-password', { email }).expect(202);
      const [token] = await mailed.first(1, user.id, 'reset_password');
      await post('reset-password', { token, newPassword: `${password} and more` }).expect(204);
    },
  },
  'a new password in another session': {
    keepsWorkingAway: false,
    end: async (client) => {
      const { email, password } = client;
      const other = await signIn(a, { email, password });
      const change = { currentPassword: password, newPassword: `${password} and more` };
      await other.post('/auth/change-password').send(change).expect(204);
      await meAt(b, other.token).expect(200);
    },
  },
};

/** Takes Redis away for the time of `work`, and waits until both instances have noticed that it is back. */
async function whileRedisIs(how: 'frozen' | 'killed', work: () => Promise<void>): Promise<void> {
  await redis.kill(how === 'frozen' ? 'SIGSTOP' : 'SIGKILL');
  try {
    await work();
  } finally {
    await (how === 'frozen' ? redis.kill('SIGCONT') : redis.restart());
  }
  for (const { app } of [a, b]) await eventually(() => app.get(Sessions).list('nobody'), 6000);
}

describe('tokens that end at one instance', () => {
  it.each(Object.keys(ENDS))('are refused by the other within a second: %s', async (name) => {
    const [client, admin] = [await signUp(a), await signUpAdmin(a)];
    await meAt(b, client.token).expect(200);
    await ENDS[name]!.end(client, admin);
    await expectRefusedAt(b, client.token, performance.now());
  });

  it('are known by message, without a look into MongoDB', async () => {
    const client = await signUp(a);
    jest.spyOn(b.app.get(RevocationStore, { strict: false }), 'list').mockResolvedValue([]);
    const sid = client.refreshToken.split('.')[1]!;
    const token = { sessionId: sid, userId: client.user.id, version: 1 };
    await client.post('/auth/logout').expect(204);
    await eventually(() => expect(b.app.get(Revocations).isRevoked(token)).toBe(true), 500);
  });

  it.each(Object.keys(ENDS).filter((name) => ENDS[name]!.keepsWorkingAway))(
    'are refused by the other within a second though Redis was killed: %s',
    async (name) => {
      const [client, admin] = [await signUp(a), await signUpAdmin(a)];
      await whileRedisIs('killed', async () => {
        await meAt(b, client.token).expect(200);
        await ENDS[name]!.end(client, admin);
        await expectRefusedAt(b, client.token, performance.now());
      });
      await expectRefusedAt(b, client.token, performance.now());
    },
  );

  it('are refused by the other within a second though Redis froze a moment ago', async () => {
    const client = await signUp(a);
    await whileRedisIs('frozen', async () => {
      await client.post('/auth/logout').expect(204);
      await expectRefusedAt(b, client.token, performance.now());
    });
  });

  it('are known by message also after messages that make no sense', async () => {
    const client = await signUp(a);
    const operator = new Redis(redis.url);
    const id = client.refreshToken.split('.')[1];
    const expiresAt = new Date(Date.now() + 60_000).toISOString();
    for (const senseless of [
      '',
      '[',
      'null',
      '7',
      { kind: 'session', id },
      { kind: 'user', id: client.user.id, expiresAt },
    ])
      await operator.publish('tf:revocations', typeof senseless === 'string' ? senseless : JSON.stringify(senseless));
    operator.disconnect();
    jest.spyOn(b.app.get(RevocationStore, { strict: false }), 'list').mockResolvedValue([]);
    await meAt(b, client.token).expect(200);
    await client.post('/auth/logout').expect(204);
    await eventually(async () => expectProblem(await meAt(b, client.token), 401, 'auth.token_invalid'), 500);
  });

  it('are known to Redis too, for as long as a token lives', async () => {
    const client = await signUp(a);
    const [userId, sessionId] = client.refreshToken.split('.');
    await client.post('/auth/logout-all').expect(204);
    const operator = new Redis(redis.url);
    expect(await operator.get(`tf:{${userId}}:minver`)).toBe('2');
    for (const key of [`tf:{${userId}}:minver`, `tf:{${userId}}:ended:${sessionId}`]) {
      const leftMs = await operator.pttl(key);
      expect(leftMs).toBeGreaterThan(15 * 60_000);
      expect(leftMs).toBeLessThanOrEqual(20 * 60_000);
    }
    operator.disconnect();
  });

  it('at an instance that alone is cut off from Redis are refused by the others within a second too', async () => {
    const proxy = await TcpProxy.to('127.0.0.1', redis.port);
    const cutOff = await startTestApp({ MONGODB_URI: database.uri, REDIS_URL: `redis://${proxy.address}` });
    const operator = new Redis(redis.url);
    try {
      const [client, other] = [await signUp(cutOff), await signUp(cutOff)];
      await proxy.refuse();
      await client.post('/auth/logout').expect(204);
      await expectRefusedAt(b, client.token, performance.now());
      await other.post('/auth/logout').expect(204);
      await proxy.restore();
      const [userId, sessionId] = other.refreshToken.split('.');
      // What it could not tell is told when it can.
      await eventually(async () => expect(await operator.exists(`tf:{${userId}}:ended:${sessionId}`)).toBe(1), 5000);
    } finally {
      operator.disconnect();
      await cutOff.close();
      await proxy.refuse();
    }
  });

  it('stay refused when Redis loses everything', async () => {
    const client = await signUp(a);
    await client.post('/auth/logout').expect(204);
    await expectRefusedAt(b, client.token, performance.now());
    const operator = new Redis(redis.url);
    await operator.flushall();
    operator.disconnect();
    for (const app of [a, b]) expectProblem(await meAt(app, client.token), 401, 'auth.token_invalid');
    for (const app of [a, b]) expectProblem(await refreshAt(app, client.refreshToken), 401, 'auth.refresh_invalid');
  });
});

describe('refresh tokens on two instances', () => {
  it('fifty at once get one and the same successor, which continues the one session', async () => {
    const client = await signUp(a);
    const apps = Array.from({ length: 50 }, (_, i) => (i % 2 ? a : b));
    const answers = await Promise.all(apps.map((app) => refreshAt(app, client.refreshToken)));
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 50 }, () => 200));
    const successors = new Set(answers.map(({ body }) => body.refreshToken as string));
    expect(successors.size).toBe(1);
    expect(await a.app.get(Sessions).list(client.user.id)).toHaveLength(1);
    await refreshAt(b, [...successors][0]!).expect(200);
  });

  it('give the parent its successor again for ten seconds, and end the session later', async () => {
    const client = await signUp(a);
    const { body } = await refreshAt(a, client.refreshToken).expect(200);
    later(9000);
    expect((await refreshAt(b, client.refreshToken).expect(200)).body.refreshToken).toBe(body.refreshToken);
    later(10_000);
    expectProblem(await refreshAt(b, client.refreshToken), 401, 'auth.refresh_reused');
    expectProblem(await refreshAt(a, body.refreshToken), 401, 'auth.refresh_invalid');
  });

  it('end the session at once when a grandparent is shown: a thief’s copy, or the victim’s', async () => {
    const client = await signUp(a);
    const stolen = client.refreshToken;
    const { body: second } = await refreshAt(a, stolen).expect(200);
    const { body: third } = await refreshAt(b, second.refreshToken).expect(200);
    expectProblem(await refreshAt(b, stolen), 401, 'auth.refresh_reused');
    for (const app of [a, b]) {
      expectProblem(await refreshAt(app, third.refreshToken), 401, 'auth.refresh_invalid');
      await eventually(async () => expectProblem(await meAt(app, third.accessToken), 401, 'auth.token_invalid'), 1000);
    }
    await signIn(b, client);
  });

  it('are worth nothing after Redis lost everything, and a new sign-in is all it takes', async () => {
    const client = await signUp(a);
    const operator = new Redis(redis.url);
    await operator.flushall();
    operator.disconnect();
    expectProblem(await refreshAt(b, client.refreshToken), 401, 'auth.refresh_invalid');
    const again = await signIn(b, client);
    await refreshAt(a, again.refreshToken).expect(200);
  });
});

describe('on a Redis cluster', () => {
  it('what ends at one instance is refused by the other within a second, and also when a node is lost', async () => {
    const cluster = await startRedisCluster();
    const apps: TestApp[] = [];
    try {
      const environment = { MONGODB_URI: database.uri, REDIS_CLUSTER_NODES: cluster.addresses };
      for (let n = 0; n < 2; n++) apps.push(await startTestApp(environment));
      const [one, two] = apps as [TestApp, TestApp];
      // Enough users to have some on every node.
      const clients = await Promise.all(Array.from({ length: 12 }, () => signUp(one)));
      for (const client of clients) {
        const { body } = await refreshAt(two, client.refreshToken).expect(200);
        await meAt(two, client.token).expect(200);
        await client.post('/auth/logout').expect(204);
        await expectRefusedAt(two, client.token, performance.now());
        expectProblem(await refreshAt(two, body.refreshToken), 401, 'auth.refresh_invalid');
      }
      const others = await Promise.all(Array.from({ length: 6 }, () => signUp(one)));
      await cluster.nodes[0]!.kill('SIGKILL');
      for (const client of others) {
        await client.post('/auth/logout').expect(204);
        await expectRefusedAt(two, client.token, performance.now());
      }
    } finally {
      await Promise.all(apps.map((app) => app.close()));
      await cluster.stop();
    }
  });
});

describe('a Redis that was not there before', () => {
  it('takes over with a new sign-in, and leaves no session behind in MongoDB that could come back', async () => {
    const own = await startTestDatabase();
    const withoutRedis = await startTestApp({ MONGODB_URI: own.uri });
    const client = await signUp(withoutRedis);
    await withoutRedis.close();
    const withRedis = await startTestApp({ MONGODB_URI: own.uri, REDIS_URL: redis.url });
    try {
      await meAt(withRedis, client.token).expect(200);
      expectProblem(await refreshAt(withRedis, client.refreshToken), 401, 'auth.refresh_invalid');
      const sessions = withRedis.app.get<Connection>(getConnectionToken()).collection('sessions');
      await eventually(async () => expect(await sessions.countDocuments()).toBe(0), 20_000);
      await refreshAt(withRedis, (await signIn(withRedis, client)).refreshToken).expect(200);
    } finally {
      await withRedis.close();
      await own.close();
    }
  });
});

describe.each(['killed', 'frozen'] as const)('while Redis is %s', (how) => {
  it('sessions cannot be begun, continued or listed: 503 with Retry-After, and none is lost', async () => {
    const client = await signUp(a);
    const account = newAccount();
    const { email, password } = client;
    await whileRedisIs(how, async () => {
      const answers = [
        await refreshAt(a, client.refreshToken),
        await a.http.post('/api/v1/auth/login').send({ email, password }),
        await a.http.post('/api/v1/auth/register').send(account),
        await client.get('/auth/sessions'),
        await client.delete('/auth/sessions/any'),
        await client
          .post('/auth/change-password')
          .send({ currentPassword: password, newPassword: `${password} and more` }),
      ];
      for (const answer of answers) {
        expectProblem(answer, 503, 'store.unavailable');
        expect(Number(answer.headers['retry-after'])).toBeGreaterThanOrEqual(1);
      }
      await client.get('/tasks').expect(200);
    });
    // Nothing was done by halves: the address is free, the password is the old one, the token is good.
    await signUp(a, account);
    await signIn(b, client);
    later(60_000);
    await refreshAt(b, client.refreshToken).expect(200);
  });

  it.each(['/auth/logout', '/auth/logout-all'])('%s succeeds, and holds when Redis is back', async (path) => {
    const client = await signUp(a);
    const other = await signIn(a, client);
    await whileRedisIs(how, async () => {
      await client.post(path).expect(204);
      expectProblem(await meAt(a, client.token), 401, 'auth.token_invalid');
    });
    const ended = path === '/auth/logout' ? [client] : [client, other];
    // The hash is still in Redis: what says that it is over is in MongoDB, also after every list in memory forgot it.
    later(60 * 60 * 1000);
    for (const { refreshToken } of ended) {
      expectProblem(await refreshAt(b, refreshToken), 401, 'auth.refresh_invalid');
    }
    if (path === '/auth/logout') await refreshAt(b, other.refreshToken).expect(200);
    jest.restoreAllMocks();
    const again = await signIn(b, client);
    await refreshAt(a, again.refreshToken).expect(200);
  });

  it('an account can be deleted, and nothing of it stays in Redis', async () => {
    const client = await signUp(a);
    const operator = new Redis(redis.url);
    const keys = (): Promise<string[]> => operator.keys(`tf:{${client.user.id}}:session*`);
    try {
      expect(await keys()).toHaveLength(2);
      await whileRedisIs(how, async () => {
        await client.delete('/users/me').send({ password: client.password }).expect(204);
        expectProblem(await meAt(a, client.token), 401, 'auth.token_invalid');
      });
      expectProblem(await refreshAt(b, client.refreshToken), 401, 'auth.refresh_invalid');
      await eventually(async () => expect(await keys()).toEqual([]), 20_000);
    } finally {
      operator.disconnect();
    }
  });

  it('a suspension holds when Redis is back, also after it was lifted', async () => {
    const [client, admin] = [await signUp(a), await signUpAdmin(a)];
    const change = (status: string) => admin.patch(`/admin/users/${client.user.id}`).send({ status }).expect(200);
    await whileRedisIs(how, async () => {
      await change('suspended');
      await change('active');
    });
    expectProblem(await refreshAt(b, client.refreshToken), 401, 'auth.refresh_invalid');
  });
});
