import { encodeReply } from '../documents.js';
import { type Doc, MongoFault } from '../language/index.js';
import type { Engine } from '../engine.js';
import { faults } from '../faults.js';
import type { Connection } from '../wire/connection.js';
import type { Message } from '../wire/message.js';
import { Call } from './command.js';
import { commands } from './registry.js';
import { faultFields } from './write-result.js';

/** Runs the command of a message. Whatever goes wrong becomes a reply. */
export async function dispatch(engine: Engine, message: Message, connection: Connection): Promise<Buffer> {
  try {
    if (message.fault) throw message.fault;
    const name = Object.keys(message.body)[0] ?? '';
    const command = commands.get(name);
    if (!command) throw faults.commandNotFound(name);
    engine.counters.count(command.name);
    const call = new Call(engine, command, message.body, message, connection);
    const reply = await command.run(call);
    if (call.waitsForSafety) await engine.log.flushed();
    return Buffer.isBuffer(reply) ? reply : encodeReply(reply);
  } catch (error) {
    return encodeReply(failure(error));
  }
}

function failure(error: unknown): Doc {
  if (error instanceof MongoFault) return { ok: 0, ...faultFields(error) };
  const message = error instanceof Error ? error.message : String(error);
  return { ok: 0, errmsg: `internal error: ${message}`, code: 1, codeName: 'InternalError' };
}
