import type { Doc } from '../language/index.js';
import { type Call, type Command } from './command.js';
import { VERSION } from './handshake.js';

/** The part of MongoDB's answer that has a meaning here. */
function serverStatus({ engine }: Call): Doc {
  const { counters, cursors } = engine;
  return {
    host: '127.0.0.1',
    version: VERSION,
    process: 'taskflow-embedded',
    pid: process.pid,
    uptime: process.uptime(),
    localTime: engine.now(),
    opcounters: opcounters(counters.commands),
    metrics: {
      commands: Object.fromEntries([...counters.commands].map(([name, total]) => [name, { total }])),
      cursor: { open: { total: cursors.count } },
      document: { inserted: counters.inserted, updated: counters.updated, deleted: counters.deleted },
      queryExecutor: { scanned: counters.keysExamined, scannedObjects: counters.docsExamined },
      ttl: { deletedDocuments: counters.expired },
    },
    ok: 1,
  };
}

const opcounters = (ran: ReadonlyMap<string, number>): Doc => ({
  insert: ran.get('insert') ?? 0,
  query: ran.get('find') ?? 0,
  update: ran.get('update') ?? 0,
  delete: ran.get('delete') ?? 0,
  getmore: ran.get('getMore') ?? 0,
  command: [...ran.values()].reduce((sum, total) => sum + total, 0),
});

export const diagnosticCommands: readonly Command[] = [
  { name: 'serverStatus', fields: ['repl', 'metrics', 'locks'], run: serverStatus },
];
