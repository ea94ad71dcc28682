// X1: Express and Mongoose as TaskFlow's first sketch had them: one file, a string secret, hydrated documents, an answer
// kept in Redis as JSON.
import { JwtService } from '@nestjs/jwt';
import express, { type NextFunction, type Request, type Response } from 'express';
import { Redis } from 'ioredis';
import mongoose from 'mongoose';
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

app.use(express.json());
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
  const tasks = await Task.find({ owner: request.userId, place: 'live' }).sort({ createdAt: -1, _id: -1 }).limit(20);
  response.json({ items: tasks.map((task) => task.toJSON()), nextCursor: tasks.at(-1)?.id ?? null });
});

const server = app.listen(0, '127.0.0.1', () => announce((server.address() as { port: number }).port));
