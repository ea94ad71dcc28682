import { compare, type Reference, type Side } from '../harness/compare.js';
import type { Bench, Peer } from '../harness/bench.js';
import type { Shot } from '../harness/client.js';
import type { Goals, Row } from '../harness/row.js';
import { containing, get, getEqual, getExactly, getUnchanged } from '../harness/shots.js';
import type { BenchUser } from '../harness/world.js';
import { ADMIN_STATS, PROFILE, STATS } from '../peers/settings.js';

const REFERENCES: readonly (readonly [Peer, string, Goals])[] = [
  ['bare:R3', 'R3', { accept: 0.65, target: 0.8 }],
  ['bare:R2', 'R2', { target: 0.6 }],
  ['nest', 'N2', { accept: 5, target: 8 }],
  ['express', 'X1', { accept: 5, target: 8 }],
];

export const stats = (bench: Bench): Promise<Row[]> => cachedRead(bench, 'stats, cached', STATS);
export const profile = (bench: Bench): Promise<Row[]> => cachedRead(bench, 'profile, cached', PROFILE);

/** Answers from the cache: the bytes of TaskFlow and of the bare peers are the same ones. */
async function cachedRead(bench: Bench, workload: string, path: string): Promise<Row[]> {
  const references: Reference[] = [];
  for (const [peer, label, goals] of REFERENCES) {
    const side = peer.startsWith('bare') ? exactly(bench, path) : equally(bench, path);
    references.push({ subject: await bench.peer(peer), label, goals, ...side });
  }
  return compare(workload, { subject: bench.taskflow, ...exactly(bench, path) }, references, bench.effort);
}

/** 304 to whoever has the answer already. */
export async function notModified(bench: Bench): Promise<Row[]> {
  const side = { ...someones(bench, (user) => getUnchanged(STATS, user, bench.answer(user, STATS))) };
  const peer = await bench.peer('bare:R3');
  return compare(
    'stats, 304',
    { subject: bench.taskflow, ...side },
    [{ subject: peer, label: 'R3', ...side }],
    bench.effort,
  );
}

/** Kept for a minute, then made anew while the old answer is served: the number of users does not change here. */
export async function adminStats(bench: Bench): Promise<Row[]> {
  const { admin } = bench.world;
  const { users } = JSON.parse(bench.answer(admin, ADMIN_STATS).body) as { users: { total: number } };
  const side = only({ ...get(ADMIN_STATS, admin), verify: containing(200, `"total":${users.total},`) });
  const peer = await bench.peer('bare:R3');
  return compare(
    'admin stats, cached',
    { subject: bench.taskflow, ...side },
    [{ subject: peer, label: 'R3', ...side }],
    bench.effort,
  );
}

/** Somebody's answer, to the byte, and everybody's at first. */
export const exactly = (bench: Bench, path: string): Omit<Side, 'subject'> => {
  const bodies = new Map(bench.world.users.map((user) => [user, Buffer.from(bench.answer(user, path).body)]));
  return someones(bench, (user) => getExactly(path, user, bodies.get(user)!));
};

const equally = (bench: Bench, path: string): Omit<Side, 'subject'> => {
  const values = new Map(bench.world.users.map((user) => [user, JSON.parse(bench.answer(user, path).body) as unknown]));
  return someones(bench, (user) => getEqual(path, user, values.get(user)));
};

export const someones = ({ world }: Bench, shot: (user: BenchUser) => Shot): Omit<Side, 'subject'> => ({
  shots: () => shot(world.someone()),
  first: world.users.map(shot),
});

const only = (shot: Shot): Omit<Side, 'subject'> => ({ shots: () => shot });
