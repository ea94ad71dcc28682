import { takeTurns } from '../harness/compare.js';
import type { Bench } from '../harness/bench.js';
import { Load } from '../harness/load.js';
import { LADDER, rowOf, type Row } from '../harness/row.js';
import { get } from '../harness/shots.js';
import type { Subject } from '../harness/subject.js';
import { STATS } from '../peers/settings.js';
import { exactly } from './cached.js';

/** What each layer adds to a cached read, from a bare server to TaskFlow. */
export async function ladder(bench: Bench): Promise<Row[]> {
  const own: Subject[] = [];
  // All as young: a process that has served other rows has another heap.
  const fresh = async (environment: Record<string, string> = {}): Promise<Subject> => {
    const subject = await bench.startTaskFlow(environment);
    own.push(subject);
    return subject;
  };
  try {
    const same = await bench.startPeer('bare:R3-fields', { environment: { FIELDS: await fieldsOf(bench) } });
    own.push(same);
    const steps: [string, Subject][] = [
      ['R1, bare Fastify', await bench.peer('bare:R1')],
      ['R2, + token', await bench.peer('bare:R2')],
      ['R3, + Redis', await bench.peer('bare:R3')],
      ['+ the header fields of TaskFlow', same],
      ['TaskFlow, neither metrics nor logs', await fresh({ METRICS: 'false', LOG_LEVEL: 'silent' })],
      ['TaskFlow without logs', await fresh({ LOG_LEVEL: 'silent' })],
      ['TaskFlow', await fresh()],
    ];
    const side = exactly(bench, STATS);
    const sides = steps.map(([, subject]) => ({ ...side, subject }));
    const measured = await takeTurns(sides, bench.effort);
    return steps.map(([name], n) => {
      const before = measured[Math.max(0, n - 1)]!.microseconds;
      const pairs = measured[n]!.microseconds.map((ours, round) => ({ ours, reference: before[round]! }));
      const what = { workload: `${LADDER}${name}`, against: n === 0 ? 'itself' : 'the step before' };
      return rowOf({ ...what, unit: 'CPU µs/request' }, pairs);
    });
  } finally {
    for (const subject of own) await subject.stop();
  }
}

/** Those that Fastify, Node and the answer itself do not bring. */
async function fieldsOf({ taskflow, world }: Bench): Promise<string> {
  const load = new Load(taskflow.url, 1);
  const fields = (await load.ask(get(STATS, world.users[0]!))).fields();
  load.close();
  const brought = new Set(['content-length', 'content-type', 'date', 'connection', 'keep-alive']);
  return JSON.stringify(
    Object.fromEntries(Object.entries(fields).filter(([name]) => !brought.has(name.toLowerCase()))),
  );
}
