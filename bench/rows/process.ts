import { connect, type Socket } from 'node:net';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { Bench, Row } from '../harness/bench.js';
import { median, spread } from '../harness/statistics.js';
import type { Subject } from '../harness/subject.js';

const CONNECTIONS = 1000;

/** What a process costs before anybody asks it for anything. */
export async function* processCosts(bench: Bench): AsyncGenerator<Row> {
  yield await startToReady(bench);
  yield await idleConnections(bench);
}

/** From the start to the first 200 of its readiness, against a bare server that opens the same connections. */
async function startToReady(bench: Bench): Promise<Row> {
  const ratios: number[] = [];
  const [ours, theirs]: [number[], number[]] = [[], []];
  for (let n = 0; n < bench.effort.rounds; n++) {
    ours.push(await timed(() => bench.startTaskFlow(), '/api/health/ready'));
    theirs.push(await timed(() => bench.startPeer('bare-6'), '/'));
    ratios.push(ours[n]! / theirs[n]!);
  }
  return {
    workload: 'start to ready',
    against: 'R1 + connections',
    unit: 'ms',
    ratio: median(ratios),
    spread: spread(ratios),
    accept: 3,
    target: 2,
    lowerIsBetter: true,
    values: { ours: median(ours), reference: median(theirs) },
  };
}

async function timed(start: () => Promise<Subject>, path: string): Promise<number> {
  const begun = performance.now();
  const subject = await start();
  while ((await fetch(`${subject.url}${path}`)).status !== 200) await delay(2);
  const took = performance.now() - begun;
  await subject.stop();
  return took;
}

async function idleConnections(bench: Bench): Promise<Row> {
  const [ours, theirs]: [number[], number[]] = [[], []];
  for (let n = 0; n < Math.min(3, bench.effort.rounds); n++) {
    ours.push(await bytesForIdle(await bench.startTaskFlow(), '/api/health/live'));
    theirs.push(await bytesForIdle(await bench.startPeer('bare-6'), '/'));
  }
  const ratios = ours.map((bytes, n) => bytes / theirs[n]!);
  return {
    workload: 'memory of 1,000 idle connections',
    against: 'R1',
    unit: 'MiB',
    ratio: median(ratios),
    spread: spread(ratios),
    accept: 1.5,
    target: 1.3,
    lowerIsBetter: true,
    values: { ours: median(ours) / 2 ** 20, reference: median(theirs) / 2 ** 20 },
  };
}

/** Each of them has asked once and been answered. The first thousand only fill what is kept for any connection. */
async function bytesForIdle(subject: Subject, path: string): Promise<number> {
  for (const socket of await openIdle(subject, path)) socket.destroy();
  await delay(500);
  const before = subject.residentBytes();
  const sockets = await openIdle(subject, path);
  const after = subject.residentBytes();
  for (const socket of sockets) socket.destroy();
  await subject.stop();
  return Math.max(after - before, 2 ** 20);
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
