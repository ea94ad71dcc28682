import { compare } from '../harness/compare.js';
import type { Bench, Peer, Row } from '../harness/bench.js';
import type { Shots } from '../harness/load.js';
import { getEqual, getExactly } from '../harness/shots.js';

type Name = 'stats' | 'profile';

const PATHS = { stats: '/tasks/stats', profile: '/users/me' };

const REFERENCES: readonly { peer: Peer; label: string; accept?: number; target?: number }[] = [
  { peer: 'bare-3', label: 'R3', accept: 0.65, target: 0.8 },
  { peer: 'bare-2', label: 'R2', target: 0.6 },
  { peer: 'bare-1', label: 'R1' },
  { peer: 'nest', label: 'N2', accept: 5, target: 8 },
  { peer: 'express', label: 'X1', accept: 5, target: 8 },
];

/** Answers from the cache: the bytes of TaskFlow and of the bare peers are the same ones. */
export async function* cachedReads(bench: Bench): AsyncGenerator<Row> {
  for (const name of ['stats', 'profile'] as const) {
    for (const { peer, label, accept, target } of REFERENCES) {
      const theirs = await bench.peer(peer);
      const result = await compare(
        { subject: bench.taskflow, shots: exact(bench, name) },
        { subject: theirs, shots: peer.startsWith('bare') ? exact(bench, name) : equal(bench, name) },
        bench.effort,
      );
      const { ratio, spread, ours, theirs: reference, oursPerSecond, theirsPerSecond } = result;
      const values = { ours, reference, oursPerSecond, theirsPerSecond };
      yield {
        workload: `${name}, cached`,
        against: label,
        unit: 'CPU µs/request',
        ratio,
        spread,
        accept,
        target,
        values,
      };
    }
  }
}

function exact({ world, answers }: Bench, name: Name): Shots {
  const bodies = new Map(world.users.map((user) => [user, Buffer.from(answers.get(user)![name])]));
  return () => {
    const user = world.someone();
    return getExactly(PATHS[name], user, bodies.get(user)!);
  };
}

function equal({ world, answers }: Bench, name: Name): Shots {
  const values = new Map(world.users.map((user) => [user, JSON.parse(answers.get(user)![name]) as unknown]));
  return () => {
    const user = world.someone();
    return getEqual(PATHS[name], user, user.hmacToken, values.get(user));
  };
}
