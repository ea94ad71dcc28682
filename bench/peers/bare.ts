// R1 to R5, each a little more than the one before it: what Fastify, the driver and ioredis cost with nothing around.
import Fastify, { type FastifyInstance } from 'fastify';
import { Redis } from 'ioredis';
import mongoose from 'mongoose';
import { servePages, serveWrites } from './driver.js';
import { serveFromRedis, serveSessions } from './redis.js';
import { announce, PREPARED_PATHS, preparedUsers, settings } from './settings.js';
import { admit, holderOf } from './tokens.js';

const JSON_TYPE = 'application/json; charset=utf-8';

/** R1: the bytes are there already; who asks is not looked at. */
function serveByToken(server: FastifyInstance): void {
  const users = new Map(preparedUsers().map((user) => [`Bearer ${user.token}`, user]));
  for (const path of PREPARED_PATHS) {
    server.get(`/api/v1${path}`, (request, reply) =>
      reply.type(JSON_TYPE).send(users.get(request.headers.authorization!)!.answers[path]!.body),
    );
  }
}

/** R2: and the token is verified. */
function serveByUser(server: FastifyInstance): void {
  const users = new Map(preparedUsers().map((user) => [user.userId, user]));
  verifyTokens(server);
  for (const path of PREPARED_PATHS) {
    server.get(`/api/v1${path}`, (request, reply) =>
      reply.type(JSON_TYPE).send(users.get(holderOf(request).sub)!.answers[path]!.body),
    );
  }
}

function verifyTokens(server: FastifyInstance): void {
  server.addHook('onRequest', (request, reply, done) => {
    if (admit(request, reply)) done();
  });
}

/** R1 beside a connection to each store: what a start cannot do without. */
async function serveConnected(server: FastifyInstance): Promise<void> {
  await Promise.all([new mongoose.mongo.MongoClient(settings.mongoUri).connect(), new Redis(settings.redisUrl).ping()]);
  server.get('/', () => 'ready');
}

const KINDS: Readonly<Record<string, (server: FastifyInstance) => void | Promise<void>>> = {
  R1: serveByToken,
  R2: serveByUser,
  R3: (server) => (verifyTokens(server), serveFromRedis(server)),
  'R3-fields': (server) => {
    const { fields } = settings;
    server.addHook('onSend', (_request, reply, body, done) => {
      reply.headers(fields);
      done(null, body);
    });
    verifyTokens(server);
    return serveFromRedis(server);
  },
  'R3-sessions': serveSessions,
  R4: (server) => (verifyTokens(server), servePages(server)),
  R5: (server) => (verifyTokens(server), serveWrites(server)),
  connected: serveConnected,
};

const app = Fastify();
await KINDS[process.argv[2]!]!(app);
await app.listen({ port: 0, host: '127.0.0.1' });
announce((app.server.address() as { port: number }).port);
