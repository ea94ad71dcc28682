import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { drawCharts } from '../../bench/harness/charts.js';
import type { Shot } from '../../bench/harness/client.js';
import { Gate } from '../../bench/harness/gate.js';
import { Load, untilValid, VoidRound } from '../../bench/harness/load.js';
import { rowOf, verdict, type Row } from '../../bench/harness/row.js';

const reached: Row = {
  ...{ workload: 'page of 20', against: 'R4', unit: 'CPU µs/request', accept: 0.7, target: 0.85 },
  ...{ ratio: 0.75, spread: 0.1, values: { ours: 400, reference: 300 } },
};
const latency: Row = { ...reached, workload: 'p99', ratio: 1.8, accept: 2, target: 1.5, lowerIsBetter: true };

describe('the ratios of the benchmark', () => {
  it('are the cost of the reference ÷ ours, of each round, and their median', () => {
    const pairs = [
      { ours: 200, reference: 100 },
      { ours: 100, reference: 100 },
      { ours: 400, reference: 100 },
    ];

    const row = rowOf({ workload: 'a', against: 'b', unit: 'µs' }, pairs);

    expect(row).toMatchObject({ ratio: 0.5, spread: 1.5, values: { ours: 200, reference: 100 } });
  });

  it('are ours ÷ the reference where less is better', () => {
    const row = rowOf({ workload: 'a', against: 'b', unit: 'ms', lowerIsBetter: true }, [{ ours: 6, reference: 2 }]);

    expect(row.ratio).toBe(3);
  });

  it('reach the target, what is accepted, or neither', () => {
    const verdicts = [0.9, 0.75, 0.69].map((ratio) => verdict({ ...reached, ratio }));
    const ofLatencies = [1.5, 1.8, 2.1].map((ratio) => verdict({ ...latency, ratio }));

    expect(verdicts).toEqual(['target', 'accepted', 'MISSED']);
    expect(ofLatencies).toEqual(['target', 'accepted', 'MISSED']);
  });
});

describe('the gate of the benchmark', () => {
  it('stays open until a row is below 0.8 of what is accepted', () => {
    const gate = new Gate([reached, latency]);

    expect(gate.fallen([{ ...reached, ratio: 0.57 }])).toEqual([]);
    expect(gate.fallen([{ ...reached, ratio: 0.55 }])).toHaveLength(1);
    expect(gate.fallen([{ ...latency, ratio: 2.4 }])).toEqual([]);
    expect(gate.fallen([{ ...latency, ratio: 2.6 }])).toHaveLength(1);
  });

  it('watches no row that the last full run did not reach, and none that has no goal', () => {
    const missed = { ...reached, ratio: 0.5 };
    const gate = new Gate([missed, { ...reached, against: 'R1', accept: undefined }]);

    expect(gate.watches(missed)).toBe(false);
    expect(gate.watches({ ...reached, against: 'R1', accept: undefined })).toBe(false);
    expect(gate.fallen([missed])).toEqual([]);
  });
});

describe('the load of the benchmark', () => {
  let server: Server;
  let answered: number;
  let load: Load;

  beforeEach(async () => {
    answered = 0;
    server = createServer((request, response) => {
      answered++;
      request.resume().on('end', () => {
        if (request.url === '/unchanged') response.writeHead(304).end();
        // In two packets, of which the first ends within the body.
        else if (request.url === '/long') {
          response.writeHead(200, { 'Content-Length': 6 }).write('abc');
          setTimeout(() => response.end('def'), 20);
        } else response.writeHead(answered > 20 ? 500 : 200, { 'Content-Length': 2, etag: '"1"' }).end('ok');
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    load = new Load(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, 4);
  });

  afterEach(async () => {
    load.close();
    await new Promise((resolve) => server.close(resolve));
  });

  const shot = (path: string, verify: Shot['verify'] = () => undefined): Shot => ({
    ...{ method: 'GET', path, headers: {}, verify },
  });

  it('reads whole answers, and those without a body, on one connection after the other', async () => {
    const long = await load.send(shot('/long'));
    const unchanged = await load.send(shot('/unchanged'));
    const short = await load.send(shot('/'));

    expect([long.status, long.body.toString()]).toEqual([200, 'abcdef']);
    expect([unchanged.status, unchanged.body.length]).toEqual([304, 0]);
    expect([short.body.toString(), short.header('etag')]).toEqual(['ok', '"1"']);
  });

  it('voids a round at the first wrong answer, and asks no more', async () => {
    const verify: Shot['verify'] = ({ status }) => (status === 200 ? undefined : `${status}`);

    await expect(load.closed(() => shot('/', verify), { requests: 1000 })).rejects.toThrow(VoidRound);

    expect(answered).toBeLessThan(30);
  });

  it('sends at fixed times whether or not earlier requests have been answered', async () => {
    const result = await untilValid(() => load.open(() => shot('/long'), 400, 0.5));

    expect(result.answers).toBe(200);
    // Four connections that take 20 ms a request serve half of it: who waits is counted from when they wanted to ask.
    expect(result.latencyMs(99)).toBeGreaterThan(200);
  });
});

describe('the charts of the benchmark', () => {
  it('show every row that has a goal, with its text made harmless', () => {
    const { goals } = drawCharts([reached, { ...latency, workload: 'p99 <of> "all" & more' }]);

    expect(goals).toContain('page of 20 · R4');
    expect(goals).toContain('0.75 of 0.7');
    expect(goals).toContain('1.80 of ≤ 2');
    expect(goals).toContain('p99 &lt;of> &quot;all&quot; &amp; more');
  });

  it('are left out where nothing was measured for them', () => {
    expect(Object.keys(drawCharts([reached]))).toEqual(['goals']);
  });
});
