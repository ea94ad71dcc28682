// X1: Express and Mongoose as TaskFlow's first sketch had them: one file, a string secret, hydrated documents, an answer
// kept in Redis as JSON.
import { JwtService } from '@nestjs/jwt';
import { verify } from '@node-rs/argon2';
import express, { type NextFunction, type Request, type Response } from 'express';
import { Redis } from 'ioredis';
import mongoose from 'mongoose';
import { randomUUID } from 'node:crypto';
import { announce, settings } from './settings.js';
import { taskModel, userModel } from './models.js';
import { statsOf } from './stats.js';

interface SignedIn extends Request {
  userId?: string;
}

const connection = await mongoose.createConnection(settings.mongoUri, { autoIndex: false }).asPromise();
const Task = taskModel(connection);
const User = userModel(connection);
const redis = new Redis(settings.redisUrl);
const jwt = new JwtService();
const app = express();

const PRIORITIES = ['low', 'medium', 'high', 'urgent'];
const tokens = (userId: string): object => {
  const id = randomUUID();
  return {
    accessToken: jwt.sign({ sub: userId }, { secret: settings.hmacSecret, expiresIn: 900 }),
    refreshToken: jwt.sign({ sub: userId, jti: id }, { secret: settings.hmacSecret, expiresIn: '30d' }),
  };
};

app.use(express.json());
app.post('/api/v1/auth/login', async (request, response) => {
  const { email, password } = request.body as { email: string; password: string };
  const user = await User.findOne({ email });
  if (user && (await verify(user.passwordHash, password))) response.json(tokens(user.id));
  else response.status(401).json({ message: 'Unauthorized' });
});
app.post('/api/v1/auth/refresh', async (request, response) => {
  const { refreshToken } = request.body as { refreshToken: string };
  const { sub, jti } = jwt.verify<{ sub: string; jti: string }>(refreshToken, { secret: settings.hmacSecret });
  // The first use is the only one.
  const isFirst = await redis.set(`x1:used:${jti}`, 1, 'EX', 2_592_000, 'NX');
  if (isFirst) response.json(tokens(sub));
  else response.status(401).json({ message: 'Unauthorized' });
});
app.use((request: SignedIn, response: Response, next: NextFunction) => {
  try {
    const token = request.headers.authorization?.split(' ')[1] ?? '';
    request.userId = jwt.verify<{ sub: string }>(token, { secret: settings.hmacSecret }).sub;
    next();
  } catch {
    response.status(401).json({ message: 'Unauthorized' });
  }
});
app.use(async (request: SignedIn, response: Response, next: NextFunction) => {
  const key = `x1:limit:${request.userId}`;
  const used = await redis.incr(key);
  if (used === 1) await redis.expire(key, 60);
  if (used > 1_000_000) response.status(429).json({ message: 'Too Many Requests' });
  else next();
});

/** The answer in Redis, or the one that is made now and kept there. */
const cached =
  (name: string, seconds: number, load: (userId: string) => Promise<unknown>) =>
  async (request: SignedIn, response: Response): Promise<void> => {
    const key = `x1:${name}:${request.userId}`;
    const kept = await redis.get(key);
    if (kept) {
      response.json(JSON.parse(kept));
      return;
    }
    const made = await load(request.userId!);
    await redis.set(key, JSON.stringify(made), 'EX', seconds);
    response.json(made);
  };

app.get(
  '/api/v1/tasks/stats',
  cached('stats', 300, (userId) => statsOf(Task, userId)),
);
app.get(
  '/api/v1/users/me',
  cached('me', 600, async (userId) => (await User.findById(userId))!.toJSON()),
);
app.get('/api/v1/tasks', async (request: SignedIn, response: Response) => {
  const { q } = request.query as { q?: string };
  const filter = { owner: request.userId, place: 'live', ...(q && { title: { $regex: q, $options: 'i' } }) };
  const tasks = await Task.find(filter).sort({ createdAt: -1, _id: -1 }).limit(20);
  response.json({ items: tasks.map((task) => task.toJSON()), nextCursor: tasks.at(-1)?.id ?? null });
});

const own = (request: SignedIn): object => ({ _id: request.params['id'], owner: request.userId, place: 'live' });
const forget = (request: SignedIn): Promise<number> => redis.del(`x1:stats:${request.userId}`);

app.get('/api/v1/tasks/:id', async (request: SignedIn, response: Response) => {
  response.json((await Task.findOne(own(request)))!.toJSON());
});
app.post('/api/v1/tasks', async (request: SignedIn, response: Response) => {
  const { priority = 'medium', ...content } = request.body as { priority?: string; title: string };
  const now = new Date();
  const rest = { place: 'live', status: 'todo', createdAt: now, updatedAt: now, version: 1 };
  const task = await Task.create({
    ...rest,
    ...content,
    owner: request.userId,
    priority: PRIORITIES.indexOf(priority),
  });
  await forget(request);
  response.status(201).json(task.toJSON());
});
app.patch('/api/v1/tasks/:id', async (request: SignedIn, response: Response) => {
  const task = (await Task.findOne(own(request)))!;
  task.set(request.body as object);
  task.version++;
  await task.save();
  await forget(request);
  response.json(task.toJSON());
});
app.delete('/api/v1/tasks/:id', async (request: SignedIn, response: Response) => {
  await Task.updateOne(own(request), { place: 'trash', deletedAt: new Date() });
  await forget(request);
  response.status(204).end();
});

const server = app.listen(0, '127.0.0.1', () => announce((server.address() as { port: number }).port));
