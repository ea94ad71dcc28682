import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mongo } from 'mongoose';
import { requireCurrentDist } from '../support/dist.js';
import { ServerProcess, killServers } from './server-process.js';

let directory: string;

beforeAll(requireCurrentDist);
beforeEach(() => (directory = mkdtempSync(join(tmpdir(), 'lock-'))));
afterEach(async () => {
  await killServers();
  rmSync(directory, { recursive: true });
});

describe('a directory that is in use', () => {
  it('refuses a second process and tells it where the first one serves', async () => {
    const first = await ServerProcess.start(directory);
    const second = await ServerProcess.start(directory);
    expect(second.refusal).toMatchObject({ locked: true, pid: first.pid, uri: first.uri });
    await second.exited;
    const client = await new mongo.MongoClient(second.events[0]!.uri!).connect();
    expect(await client.db('app').command({ ping: 1 })).toMatchObject({ ok: 1 });
    await client.close();
    await first.end('SIGTERM');
    expect(readdirSync(directory)).toEqual(['documents.journal']);
  });

  it('is free again when its process was killed, for exactly one of several that come at once', async () => {
    const killed = await ServerProcess.start(directory);
    await killed.end('SIGKILL');
    const servers = await Promise.all(Array.from({ length: 6 }, () => ServerProcess.start(directory)));
    const serving = servers.filter(({ uri }) => uri !== undefined);
    expect(serving).toHaveLength(1);
    for (const server of servers) if (server !== serving[0]) expect(server.refusal).toMatchObject({ locked: true });
    await Promise.all(servers.map((server) => (server === serving[0] ? server.end('SIGTERM') : server.exited)));
  });
});
