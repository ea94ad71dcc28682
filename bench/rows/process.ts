// What a process costs before anybody asks it for anything.
import { connect, type Socket } from 'node:net';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { Bench } from '../harness/bench.js';
import { rowOf, type Pair, type Row } from '../harness/row.js';
import type { Subject } from '../harness/subject.js';

const CONNECTIONS = 1000;

/** From the start to the first 200 of its readiness, against a bare server that opens the same connections. */
export async function startToReady(bench: Bench): Promise<Row[]> {
  const pairs: Pair[] = [];
  for (let n = 0; n < bench.effort.rounds; n++) {
    pairs.push({
      ours: await timed(() => bench.startTaskFlow(), '/api/health/ready'),
      reference: await timed(() => bench.startPeer('bare:connected'), '/'),
    });
  }
  const what = { workload: 'start to ready', against: 'R1 + connections', unit: 'ms', lowerIsBetter: true };
  return [rowOf({ ...what, accept: 3, target: 2 }, pairs)];
}

async function timed(start: () => Promise<Subject>, path: string): Promise<number> {
  const begun = performance.now();
  const subject = await start();
  while ((await fetch(`${subject.url}${path}`)).status !== 200) await delay(2);
  const took = performance.now() - begun;
  await subject.stop();
  return took;
}

export async function idleConnections(bench: Bench): Promise<Row[]> {
  const pairs: Pair[] = [];
  for (let n = 0; n < Math.min(3, bench.effort.rounds); n++) {
    pairs.push({
      ours: await mebibytesForIdle(await bench.startTaskFlow(), '/api/health/live'),
      reference: await mebibytesForIdle(await bench.startPeer('bare:connected'), '/'),
    });
  }
  const what = { workload: 'memory of 1,000 idle connections', against: 'R1', unit: 'MiB', lowerIsBetter: true };
  return [rowOf({ ...what, accept: 1.5, target: 1.3 }, pairs)];
}

/** Each of them has asked once and been answered. The first thousand only fill what is kept for any connection. */
async function mebibytesForIdle(subject: Subject, path: string): Promise<number> {
  for (const socket of await openIdle(subject, path)) socket.destroy();
  await delay(500);
  const before = subject.residentBytes();
  const sockets = await openIdle(subject, path);
  const after = subject.residentBytes();
  for (const socket of sockets) socket.destroy();
  await subject.stop();
  return Math.max((after - before) / 2 ** 20, 1);
}

async function openIdle(subject: Subject, path: string): Promise<Socket[]> {
  const { hostname, port } = new URL(subject.url);
  const sockets: Socket[] = [];
  while (sockets.length < CONNECTIONS) {
    const batch = Array.from({ length: 50 }, async () => {
      const socket = connect(Number(port), hostname);
      socket.write(`GET ${path} HTTP/1.1\r\nhost: ${hostname}\r\n\r\n`);
      await once(socket, 'data');
      return socket;
    });
    sockets.push(...(await Promise.all(batch)));
  }
  return sockets;
}
