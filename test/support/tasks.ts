import type { Model } from 'mongoose';
import { getModelToken } from '@nestjs/mongoose';
import type { Response } from 'supertest';
import { TASK_MODEL, type TaskDocument } from '../../src/modules/tasks/task.schema.js';
import type { TestApp } from './app.js';
import type { Client } from './clients.js';

/** A task as JSON. */
export interface TaskBody {
  readonly id: string;
  readonly title: string;
  readonly description: string;
  readonly status: string;
  readonly priority: string;
  readonly dueAt: string | null;
  readonly reminders: { minutesBefore: number }[] | null;
  readonly tags: string[];
  readonly completedAt: string | null;
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly deletedAt: string | null;
  readonly version: number;
}

/** A new task; `input` adds to its title or replaces it. */
export async function aTask(client: Client, input: object = {}): Promise<TaskBody> {
  const answer = await client.post('/tasks').send({ title: 'A task', ...input });
  if (answer.status !== 201) throw new Error(`no task: ${JSON.stringify(answer.body)}`);
  return answer.body as TaskBody;
}

/** New tasks in the order of the inputs, up to 100 in one request. */
export async function tasks(client: Client, inputs: readonly object[]): Promise<TaskBody[]> {
  const created: TaskBody[] = [];
  for (let start = 0; start < inputs.length; start += 100) {
    const operations = inputs
      .slice(start, start + 100)
      .map((input) => ({ op: 'create', task: { title: 'A task', ...input } }));
    const answer = await client.post('/tasks/bulk').send({ operations });
    for (const { task, problem } of (answer.body as { results: { task?: TaskBody; problem?: object }[] }).results) {
      if (!task) throw new Error(`no task: ${JSON.stringify(problem)}`);
      created.push(task);
    }
  }
  return created;
}

/** The items of a list, which must be answered with 200. */
export async function list(client: Client, query = ''): Promise<TaskBody[]> {
  const answer = await client.get(`/tasks${query}`);
  if (answer.status !== 200) throw new Error(`no list: ${JSON.stringify(answer.body)}`);
  return (answer.body as { items: TaskBody[] }).items;
}

export const titles = async (client: Client, query = ''): Promise<string[]> =>
  (await list(client, query)).map(({ title }) => title);

/** All items, page by page along the `Link` headers; `between` runs after each page. */
export async function allPages(client: Client, query: string, between?: () => Promise<unknown>): Promise<TaskBody[]> {
  const items: TaskBody[] = [];
  let path: string | undefined = `/tasks${query}`;
  while (path !== undefined) {
    const answer = await client.get(path);
    if (answer.status !== 200) throw new Error(`no page: ${JSON.stringify(answer.body)}`);
    items.push(...(answer.body as { items: TaskBody[] }).items);
    path = nextPath(answer);
    await between?.();
  }
  return items;
}

/** Where the `Link` header leads, without the prefix that clients add. */
export function nextPath(answer: Response): string | undefined {
  const link = /^<\/api\/v1([^>]+)>; rel="next"$/.exec(answer.headers['link'] ?? '');
  return link?.[1];
}

/** What a problem says, in the form that tests compare. */
export function problem(answer: Response): { status: number; type: string; code: string; errors?: string[] } {
  const { code, errors } = answer.body as { code: string; errors?: { pointer: string; code: string }[] };
  const described = { status: answer.status, type: answer.type, code };
  return errors ? { ...described, errors: errors.map((error) => `${error.pointer} ${error.code}`) } : described;
}

/** The whole of a problem but for what names the request. */
export function sameBody(answer: Response): object {
  const { instance: _instance, requestId: _requestId, ...body } = answer.body as Record<string, unknown>;
  return body;
}

export const notFound = { status: 404, type: 'application/problem+json', code: 'task.not_found' } as const;

/** An input error with these pointers and codes. */
export const invalid = (...errors: string[]) =>
  ({ status: 422, type: 'application/problem+json', code: 'input.invalid', errors }) as const;

/** The collection, for what no answer shows. */
export const taskModel = ({ app }: TestApp): Model<TaskDocument> => app.get(getModelToken(TASK_MODEL));
