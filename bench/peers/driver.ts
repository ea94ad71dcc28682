// R4 and R5: the driver of MongoDB with nothing around it.
import type { FastifyInstance } from 'fastify';
import mongoose from 'mongoose';
import { settings } from './settings.js';
import { holderOf } from './tokens.js';

const { ObjectId, MongoClient } = mongoose.mongo;
const PRIORITIES = ['low', 'medium', 'high', 'urgent'];

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

async function database(): Promise<mongoose.mongo.Db> {
  const client = await new MongoClient(settings.mongoUri).connect();
  return client.db();
}

/** R4: a page of twenty, newest first, with or without a word; and one task. */
export async function servePages(server: FastifyInstance): Promise<void> {
  const collection = (await database()).collection('tasks');
  server.get('/api/v1/tasks', async (request) => {
    const owner = new ObjectId(holderOf(request).sub);
    const { q } = request.query as { q?: string };
    const filter = { owner, place: 'live', ...(q && { terms: { $regex: `^${q}` } }) };
    const rows = await collection.find(filter).sort({ createdAt: -1, _id: -1 }).limit(20).toArray();
    const last = rows.at(-1);
    const nextCursor = last
      ? Buffer.from(JSON.stringify([last['createdAt'], last['_id']])).toString('base64url')
      : null;
    return { items: rows.map(view), nextCursor };
  });
  server.get('/api/v1/tasks/:id', async (request) => {
    const { id } = request.params as { id: string };
    return view((await collection.findOne({ _id: new ObjectId(id), owner: new ObjectId(holderOf(request).sub) }))!);
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
export async function serveWrites(server: FastifyInstance): Promise<void> {
  const db = await database();
  const collection = db.collection('r5_tasks');
  const template = (await db.collection('tasks').findOne({ 'idem.key': 'bench-template' }))!;
  server.post('/api/v1/tasks', { schema: { body: { ...taskSchema, required: ['title'] } } }, async (request, reply) => {
    const now = new Date();
    const row = {
      ...template,
      ...(request.body as object),
      _id: new ObjectId(),
      owner: new ObjectId(holderOf(request).sub),
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
      { _id: new ObjectId(id), owner: new ObjectId(holderOf(request).sub), place: 'live' },
      { $set: { ...(request.body as object), updatedAt: new Date() }, $inc: { version: 1 } },
      { returnDocument: 'after' },
    );
    return view(row!);
  });
}
