// R1 to R5, each a little more than the one before it: what Fastify, the driver and ioredis cost with nothing around.
import { JwtService } from '@nestjs/jwt';
import Fastify, { type FastifyInstance, type FastifyRequest } from 'fastify';
import { Redis, type Result } from 'ioredis';
import { LRUCache } from 'lru-cache';
import mongoose from 'mongoose';
import { announce, preparedAnswers, settings } from './settings.js';

declare module 'ioredis' {
  interface RedisCommander<Context> {
    enter(...keysAndArgs: (string | number)[]): Result<[number, number, Buffer | null], Context>;
    enterBuffer(...keysAndArgs: (string | number)[]): Result<[number, number, Buffer | null], Context>;
  }
}

interface Claims {
  readonly sub: string;
  readonly sid: string;
  readonly exp: number;
}

const { ObjectId, MongoClient } = mongoose.mongo;
const JSON_TYPE = 'application/json; charset=utf-8';
const STATS = '/api/v1/tasks/stats';
const PROFILE = '/api/v1/users/me';
const PRIORITIES = ['low', 'medium', 'high', 'urgent'];

const who = new WeakMap<FastifyRequest, Claims>();

/** R1: the bytes are there already; who asks is not looked at. */
function serveByToken(server: FastifyInstance): void {
  const answers = new Map(preparedAnswers().map((answer) => [`Bearer ${answer.token}`, answer]));
  server.get(STATS, (request, reply) => reply.type(JSON_TYPE).send(answers.get(request.headers.authorization!)!.stats));
  server.get(PROFILE, (request, reply) =>
    reply.type(JSON_TYPE).send(answers.get(request.headers.authorization!)!.profile),
  );
}

/** R2: a signature is verified once per token. */
function verifyTokens(server: FastifyInstance): void {
  const jwt = new JwtService();
  const verified = new LRUCache<string, Claims>({ max: 20_000 });
  server.addHook('onRequest', async (request, reply) => {
    const token = request.headers.authorization?.slice('Bearer '.length) ?? '';
    let claims = verified.get(token);
    if (!claims) {
      try {
        claims = jwt.verify<Claims & object>(token, { publicKey: settings.publicKey, algorithms: ['ES256'] });
      } catch {
        return reply.code(401).send({ error: 'unauthorized' });
      }
      verified.set(token, claims);
    }
    if (claims.exp * 1000 < Date.now()) return reply.code(401).send({ error: 'unauthorized' });
    who.set(request, claims);
    return undefined;
  });
}

function serveByUser(server: FastifyInstance): void {
  const answers = new Map(preparedAnswers().map((answer) => [answer.userId, answer]));
  server.get(STATS, (request, reply) => reply.type(JSON_TYPE).send(answers.get(who.get(request)!.sub)!.stats));
  server.get(PROFILE, (request, reply) => reply.type(JSON_TYPE).send(answers.get(who.get(request)!.sub)!.profile));
}

/** R3: a counter, two looks at revocation, a generation and the body, in one script, as TaskFlow has them. */
async function serveFromRedis(server: FastifyInstance): Promise<void> {
  const redis = new Redis(settings.redisUrl, { enableAutoPipelining: true });
  redis.defineCommand('enter', {
    numberOfKeys: 5,
    lua: `local used = redis.call('INCR', KEYS[1])
if used == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
local ended = redis.call('EXISTS', KEYS[2])
local lowest = tonumber(redis.call('GET', KEYS[3]) or '0')
local generation = redis.call('GET', KEYS[4])
local body = redis.call('GET', KEYS[5])
return {used, (ended == 1 or tonumber(ARGV[2]) < lowest) and 1 or 0, generation and body}`,
  });
  for (const { userId, stats, profile } of preparedAnswers()) {
    const key = `r3:{${userId}}`;
    await redis.mset(`${key}:generation`, userId, `${key}:stats`, stats, `${key}:profile`, profile);
  }
  const serve = (name: string) => async (request: FastifyRequest) => {
    const { sub, sid } = who.get(request)!;
    const key = `r3:{${sub}}`;
    const keys = [`${key}:limit`, `${key}:ended:${sid}`, `${key}:version`, `${key}:generation`, `${key}:${name}`];
    const [used, revoked, body] = await redis.enterBuffer(...keys, 60_000, 1);
    return used > 1_000_000_000 || revoked ? undefined : body;
  };
  server.addHook('onSend', async (_request, reply) => void reply.type(JSON_TYPE));
  server.get(STATS, serve('stats'));
  server.get(PROFILE, serve('profile'));
}

async function tasks(): Promise<mongoose.mongo.Collection> {
  const client = await new MongoClient(settings.mongoUri).connect();
  return client.db().collection('tasks');
}

const view = (row: mongoose.mongo.BSON.Document): object => ({
  id: String(row['_id']),
  title: row['title'] as string,
  description: row['description'] as string,
  status: row['status'] as string,
  priority: PRIORITIES[row['priority'] as number],
  dueAt: row['dated'] ? (row['dueAt'] as Date) : null,
  tags: row['tags'] as string[],
  completedAt: row['completedAt'] as Date | null,
  createdAt: row['createdAt'] as Date,
  updatedAt: row['updatedAt'] as Date,
  deletedAt: row['deletedAt'] as Date | null,
  version: row['version'] as number,
});

/** R1 beside a connection to each store: what a start cannot do without. */
async function serveConnected(server: FastifyInstance): Promise<void> {
  await Promise.all([new MongoClient(settings.mongoUri).connect(), new Redis(settings.redisUrl).ping()]);
  server.get('/', () => 'ready');
}

/** R4: a page of twenty, newest first. */
async function servePages(server: FastifyInstance): Promise<void> {
  const collection = await tasks();
  server.get('/api/v1/tasks', async (request) => {
    const owner = new ObjectId(who.get(request)!.sub);
    const rows = await collection.find({ owner, place: 'live' }).sort({ createdAt: -1, _id: -1 }).limit(20).toArray();
    const last = rows.at(-1);
    const nextCursor = last
      ? Buffer.from(JSON.stringify([last['createdAt'], last['_id']])).toString('base64url')
      : null;
    return { items: rows.map(view), nextCursor };
  });
}

const taskSchema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    title: { type: 'string', minLength: 1, maxLength: 200 },
    description: { type: 'string', maxLength: 10_000 },
    status: { enum: ['todo', 'in_progress', 'done', 'cancelled'] },
    priority: { enum: PRIORITIES },
    dueAt: { type: ['string', 'null'], format: 'date-time' },
    tags: { type: 'array', maxItems: 20, items: { type: 'string', minLength: 1, maxLength: 50 } },
  },
};

/** R5: one write of a document like TaskFlow's, which the harness hands over, into a collection with the same indexes. */
async function serveWrites(server: FastifyInstance): Promise<void> {
  const client = await new MongoClient(settings.mongoUri).connect();
  const collection = client.db().collection('r5_tasks');
  // Indexes as the server lists them carry the versions of their formats, which a new one is not given.
  for (const { v: _v, ns: _ns, textIndexVersion: _text, key, ...options } of await client
    .db()
    .collection('tasks')
    .indexes()) {
    if (options.name !== '_id_') await collection.createIndex(key, options);
  }
  const template = (await client.db().collection('tasks').findOne({ 'idem.key': 'bench-template' }))!;
  server.post('/api/v1/tasks', { schema: { body: { ...taskSchema, required: ['title'] } } }, async (request, reply) => {
    const now = new Date();
    const row = {
      ...template,
      ...(request.body as object),
      _id: new ObjectId(),
      owner: new ObjectId(who.get(request)!.sub),
      priority: 1,
      idem: { ...(template['idem'] as object), key: request.headers['idempotency-key'] },
      createdAt: now,
      updatedAt: now,
    };
    await collection.insertOne(row);
    return reply.code(201).send(view(row));
  });
  server.patch('/api/v1/tasks/:id', { schema: { body: taskSchema } }, async (request) => {
    const { id } = request.params as { id: string };
    const row = await collection.findOneAndUpdate(
      { _id: new ObjectId(id), owner: new ObjectId(who.get(request)!.sub), place: 'live' },
      { $set: { ...(request.body as object), updatedAt: new Date() }, $inc: { version: 1 } },
      { returnDocument: 'after' },
    );
    return view(row!);
  });
}

const level = Number(process.argv[2]);
const app = Fastify();

if (level >= 2 && level <= 5) verifyTokens(app);
if (level === 1) serveByToken(app);
if (level === 2) serveByUser(app);
if (level === 3) await serveFromRedis(app);
if (level === 4) await servePages(app);
if (level === 5) await serveWrites(app);
if (level === 6) await serveConnected(app);
await app.listen({ port: 0, host: '127.0.0.1' });
announce((app.server.address() as { port: number }).port);
