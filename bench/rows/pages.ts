import { compare, type Reference, type Side } from '../harness/compare.js';
import type { Bench } from '../harness/bench.js';
import type { Shot } from '../harness/client.js';
import { Load, untilValid } from '../harness/load.js';
import type { Row } from '../harness/row.js';
import { containing, get, status } from '../harness/shots.js';
import type { BenchUser } from '../harness/world.js';
import { someones } from './cached.js';

interface Page {
  readonly items: readonly { readonly id: string; readonly title: string }[];
  readonly nextCursor: string | null;
}

export async function pages(bench: Bench): Promise<Row[]> {
  const { ours, theirs, first } = await pageSides(bench);
  const hydrated = someones(bench, (user) => page(get('/tasks', user, user.hmacToken), user, 0));
  const nest = { ...hydrated, subject: await bench.peer('nest'), label: 'N2', goals: { accept: 1.5, target: 2 } };
  const bare = { ...theirs, goals: { accept: 0.7, target: 0.85 } };
  return [
    ...(await compare('page 1, kept for 30 s', { ...first, subject: bench.taskflow }, [theirs], bench.effort)),
    ...(await compare('page of 20', ours, [bare, nest], bench.effort)),
  ];
}

/** The first page is kept for 30 s, so the second one is what a page costs; R4 keeps nothing. */
export async function pageSides(
  bench: Bench,
): Promise<{ ours: Side; theirs: Reference; first: Omit<Side, 'subject'> }> {
  const cursors = await bench.once('second pages', () => secondPages(bench));
  const first = someones(bench, (user) => page(get('/tasks', user), user, 0));
  const second = someones(bench, (user) => page(get(`/tasks?cursor=${cursors.get(user)}`, user), user, 20));
  return {
    ours: { ...second, subject: bench.taskflow },
    theirs: { ...first, subject: await bench.peer('bare:R4'), label: 'R4' },
    first,
  };
}

/** One task, from MongoDB. */
export async function byId(bench: Bench): Promise<Row[]> {
  const side = oneTask(bench);
  const bare = { ...side, subject: await bench.peer('bare:R4'), label: 'R4' };
  return compare('one task', { ...side, subject: bench.taskflow }, [bare], bench.effort);
}

export const oneTask = (bench: Bench): Omit<Side, 'subject'> =>
  someones(bench, (user) => {
    const id = user.taskIds[Math.floor(bench.world.random() * user.taskIds.length)]!;
    return { ...get(`/tasks/${id}`, user), verify: containing(200, `"id":"${id}"`) };
  });

/** The twenty newest in which a word begins so. The words of all titles begin with one of these. */
export async function search(bench: Bench): Promise<Row[]> {
  const side = someones(bench, (user) => searching(user, bench.world.random()));
  const bare = { subject: await bench.peer('bare:R4'), label: 'R4', ...side };
  return compare('search', { subject: bench.taskflow, ...side }, [bare], bench.effort);
}

const BEGINNINGS = ['gard', 'invoi', 'meet', 'kitch', 'budg', 'contr'];

/** @param random from 0 to 1 */
export function searching(user: BenchUser, random: number, token = user.token): Shot {
  const word = BEGINNINGS[Math.floor(random * BEGINNINGS.length)]!;
  const own = new Set(user.taskIds);
  return {
    ...get(`/tasks?q=${word}`, user, token),
    verify: (answer) => {
      const wrong = status(200)(answer);
      if (wrong) return wrong;
      const text = answer.body.toString();
      const { items } = JSON.parse(text) as Page;
      if (items.length === 0 || !text.includes(word)) return 'nothing found';
      return items.every(({ id }) => own.has(id)) ? undefined : 'tasks of somebody else';
    },
  };
}

async function secondPages({ world, taskflow }: Bench): Promise<Map<BenchUser, string>> {
  const load = new Load(taskflow.url, 2);
  const cursors = new Map<BenchUser, string>();
  const asking = (user: BenchUser): Shot => ({
    ...get('/tasks', user),
    verify: (answer) => {
      cursors.set(user, (JSON.parse(answer.body.toString()) as Page).nextCursor!);
      return status(200)(answer);
    },
  });
  await untilValid(() => load.once(world.users.map(asking)));
  load.close();
  return cursors;
}

/** These twenty tasks of this user, in this order. */
function page(shot: Shot, user: BenchUser, from: number): Shot {
  const ids = user.taskIds.slice(from, from + 20);
  return {
    ...shot,
    verify: (answer) => {
      const wrong = status(200)(answer);
      if (wrong) return wrong;
      const { items } = JSON.parse(answer.body.toString()) as Page;
      return items.length === ids.length && items.every(({ id }, n) => id === ids[n]) ? undefined : 'other tasks';
    },
  };
}
