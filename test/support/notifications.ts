import mongoose, { type Connection } from 'mongoose';
import { v7 as uuidv7 } from 'uuid';
import { signUp, type Client } from './clients.js';
import type { TaskFlowProcess } from './dist.js';
import type { PushService } from './push-service.js';
import { tasks } from './tasks.js';

/** What a test of notifications does to the database that no client can do. */
export interface Happenings {
  readonly connection: Connection;
  /** As if the user had confirmed the address. */
  verify(client: Client): Promise<void>;
  /** An event of the user's own document, as the write that told of it would have left it. @returns its id */
  happen(client: Client, name: string, facts: object): Promise<string>;
  /** Tasks of the user are due in an hour, and it is time to tell. @returns the ids of the events */
  approachAll(client: Client, titles: readonly string[]): Promise<string[]>;
  /** The same of one. */
  approach(client: Client, title?: string): Promise<string>;
  stored(id: string): Promise<StoredNotification | null>;
  close(): Promise<void>;
}

export interface StoredNotification {
  readonly _id: string;
  readonly kind: string;
  readonly deliveries?: Record<string, { state: string; attempts: number; sendAt: Date; error?: string }>;
}

const HOUR_MS = 60 * 60 * 1000;

/** Of the processes that send, apart from where their servers are. */
export const SENDER = {
  SECRET_KEY: 'a test key that all processes of this test share',
  MAIL_FROM: 'hello@taskflow.example',
  VAPID_PRIVATE_KEY: Buffer.alloc(32, 5).toString('base64url'),
};

/** The `Message-ID` of the mail about a notification, from a `SENDER`. */
export const messageIdOf = (id: string): string => `<${id}.email@taskflow.example>`;

/** Somebody with a confirmed address, and a browser that is told under `path`. */
export async function reachable(
  process: TaskFlowProcess,
  world: Happenings,
  pushes: PushService,
  path: string,
): Promise<Client> {
  const client = await signUp(process);
  await world.verify(client);
  await client.post('/notifications/push-subscriptions').send(pushes.subscribe(path)).expect(201);
  return client;
}

export async function happenings(mongoUri: string): Promise<Happenings> {
  const connection = await mongoose.createConnection(mongoUri).asPromise();
  const users = connection.collection('users');
  const idOf = ({ user }: Client) => ({ _id: new mongoose.Types.ObjectId(user.id) });
  const happen = async (client: Client, name: string, facts: object): Promise<string> => {
    const id = uuidv7();
    const at = new Date();
    const event = { id, name, at, notBefore: at, facts: { userId: client.user.id, ...facts } };
    // The relay takes a document that has the same version for the one it read.
    const change = { $push: { pending: event as never }, $min: { pendingAt: at }, $inc: { version: 1 } };
    await users.updateOne(idOf(client), change);
    return id;
  };
  const approachAll = async (client: Client, titles: readonly string[]): Promise<string[]> => {
    const dueDate = new Date(Date.now() + HOUR_MS).toISOString();
    const made = await tasks(
      client,
      titles.map((title) => ({ title, dueAt: dueDate, reminders: [] })),
    );
    const ids: string[] = [];
    for (const { id: taskId } of made)
      ids.push(await happen(client, 'task.deadline.approaching', { taskId, dueDate, minutesBefore: 60 }));
    return ids;
  };
  return {
    connection,
    async verify(client) {
      await users.updateOne(idOf(client), { $set: { emailVerified: true } });
    },
    happen,
    approachAll,
    approach: async (client, title = 'Write the report') => (await approachAll(client, [title]))[0]!,
    stored: (id) => connection.collection<StoredNotification>('notifications').findOne({ _id: id }),
    close: () => connection.close(),
  };
}
