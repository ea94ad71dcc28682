// What R3 does in Redis, and how it answers.
import { JwtService } from '@nestjs/jwt';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Redis, type Result } from 'ioredis';
import { randomBytes, randomUUID, createHash } from 'node:crypto';
import { PREPARED_PATHS, preparedUsers, settings } from './settings.js';
import { holderOf } from './tokens.js';

declare module 'ioredis' {
  interface RedisCommander<Context> {
    enter(...keysAndArgs: (string | number)[]): Result<[number, number, Buffer | null], Context>;
    enterBuffer(...keysAndArgs: (string | number)[]): Result<[number, number, Buffer | null], Context>;
    rotate(...keysAndArgs: (string | number)[]): Result<number, Context>;
  }
}

/** A counter, two looks at revocation, a generation and the body, as TaskFlow has them. */
const ENTER = `local used = redis.call('INCR', KEYS[1])
if used == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
local ended = redis.call('EXISTS', KEYS[2])
local lowest = tonumber(redis.call('GET', KEYS[3]) or '0')
local generation = redis.call('GET', KEYS[4])
local body = redis.call('GET', KEYS[5])
return {used, (ended == 1 or tonumber(ARGV[2]) < lowest) and 1 or 0, generation and body}`;

/** Exchanges one hash for the next. */
const ROTATE = `if redis.call('HGET', KEYS[1], 'secret') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'secret', ARGV[2], 'parent', ARGV[1], 'usedAt', ARGV[3])
redis.call('EXPIRE', KEYS[1], 2592000)
return 1`;

const JSON_TYPE = 'application/json; charset=utf-8';

/** The answers of TaskFlow, kept in Redis. */
export class RedisAnswers {
  private readonly redis = new Redis(settings.redisUrl, { enableAutoPipelining: true });
  private readonly tags = new Map<string, string>();

  async prepare(): Promise<void> {
    this.redis.defineCommand('enter', { numberOfKeys: 5, lua: ENTER });
    this.redis.defineCommand('rotate', { numberOfKeys: 1, lua: ROTATE });
    for (const { userId, answers } of preparedUsers()) {
      const bodies = Object.entries(answers).map(([path, { body }]) => [`r3:{${userId}}:${path}`, body]);
      await this.redis.mset(`r3:{${userId}}:generation`, userId, ...bodies.flat());
      for (const [path, { tag }] of Object.entries(answers)) this.tags.set(userId + path, tag);
    }
  }

  /** The body; undefined with 304 when the client has it, with 429 and 401 when it may not have it. */
  async find(path: string, request: FastifyRequest, reply: FastifyReply): Promise<Buffer | undefined> {
    const { sub, sid } = holderOf(request);
    const key = `r3:{${sub}}`;
    const keys = [`${key}:limit`, `${key}:ended:${sid}`, `${key}:version`, `${key}:generation`, `${key}:${path}`];
    const [used, revoked, body] = await this.redis.enterBuffer(...keys, 60_000, 1);
    if (used > 1_000_000_000 || revoked) return void reply.code(revoked ? 401 : 429);
    const asked = request.headers['if-none-match'];
    if (asked !== undefined && asked === this.tags.get(sub + path)) return void reply.code(304).header('etag', asked);
    void reply.type(JSON_TYPE);
    return body!;
  }

  /** A refresh token, which is a session and a secret, for the next one and a signed access token. */
  async refresh(token: string): Promise<object | undefined> {
    const [session, secret] = token.split('.') as [string, string];
    const next = randomBytes(32).toString('base64url');
    const keep = [hashOf(secret), hashOf(next), Date.now()];
    if ((await this.redis.rotate(`r3:session:${session}`, ...keep)) === 0) return undefined;
    const accessToken = await jwt.signAsync(
      { sid: session, role: 'user', ver: 1, jti: randomUUID() },
      { privateKey: settings.privateKey, algorithm: 'ES256', subject: session, expiresIn: 900 },
    );
    return { accessToken, refreshToken: `${session}.${next}` };
  }

  async begin(session: string): Promise<string> {
    const secret = randomBytes(32).toString('base64url');
    await this.redis.hset(`r3:session:${session}`, 'secret', hashOf(secret));
    return `${session}.${secret}`;
  }
}

const jwt = new JwtService();
const hashOf = (secret: string): string => createHash('sha256').update(secret).digest('base64url');

export async function serveFromRedis(server: FastifyInstance): Promise<void> {
  const answers = new RedisAnswers();
  await answers.prepare();
  for (const path of PREPARED_PATHS) {
    server.get(`/api/v1${path}`, async (request, reply) => {
      const body = await answers.find(path, request, reply);
      return reply.send(body);
    });
  }
}

/** Besides: sessions without a password, and their refreshing. */
export async function serveSessions(server: FastifyInstance): Promise<void> {
  const answers = new RedisAnswers();
  await answers.prepare();
  server.post('/api/v1/auth/login', async () => ({ refreshToken: await answers.begin(randomUUID()) }));
  server.post('/api/v1/auth/refresh', async (request, reply) => {
    const renewed = await answers.refresh((request.body as { refreshToken: string }).refreshToken);
    return renewed ?? reply.code(401).send({ error: 'unauthorized' });
  });
}
