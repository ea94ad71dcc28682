import type { Binary } from 'bson';
import type { Doc } from '../language/index.js';
import { MAX_DOCUMENT_BYTES } from '../documents.js';
import { MAX_MESSAGE_BYTES } from '../wire/message.js';
import type { Call, Command } from './command.js';

/** The release of MongoDB whose behaviour the server follows. */
export const VERSION = '7.0.0';
/** Of MongoDB 7.0. */
const MAX_WIRE_VERSION = 21;
export const SESSION_MINUTES = 30;

/** What drivers tell about themselves, and questions about abilities that this server lacks. */
const HELLO_FIELDS = [
  'client',
  'helloOk',
  'compression',
  'saslSupportedMechs',
  'hostInfo',
  'loadBalanced',
  'backpressure',
];

/** A standalone server. No `topologyVersion`: drivers then poll instead of keeping a streaming connection. */
function hello(call: Call): Doc {
  const { connection, engine } = call;
  const legacy = call.command.name !== 'hello';
  return {
    helloOk: true,
    [legacy ? 'ismaster' : 'isWritablePrimary']: true,
    maxBsonObjectSize: MAX_DOCUMENT_BYTES,
    maxMessageSizeBytes: MAX_MESSAGE_BYTES,
    maxWriteBatchSize: 100_000,
    localTime: engine.now(),
    logicalSessionTimeoutMinutes: SESSION_MINUTES,
    connectionId: connection.id,
    minWireVersion: 0,
    maxWireVersion: MAX_WIRE_VERSION,
    readOnly: false,
    ok: 1,
  };
}

const buildInfo = (): Doc => ({
  version: VERSION,
  versionArray: [...VERSION.split('.').map(Number), 0],
  gitVersion: 'none',
  modules: ['taskflow-embedded'],
  sysInfo: 'deprecated',
  bits: 64,
  debug: false,
  maxBsonObjectSize: MAX_DOCUMENT_BYTES,
  storageEngines: ['taskflow-journal'],
  ok: 1,
});

/** Hex of a logical session id, the key under which its cursors are filed. */
export function sessionKey(lsid: unknown): string | undefined {
  const id = (lsid as { id?: Binary } | undefined)?.id;
  return id === undefined || typeof id !== 'object' ? undefined : Buffer.from(id.value()).toString('hex');
}

function endSessions(call: Call): Doc {
  const [ids] = Object.values(call.body);
  const ended = new Set((Array.isArray(ids) ? ids : []).map(sessionKey));
  ended.delete(undefined);
  call.engine.cursors.killWhere(({ owner }) => ended.has(owner.session));
  return { ok: 1 };
}

const ok = (): Doc => ({ ok: 1 });

export const handshakeCommands: readonly Command[] = [
  { name: 'hello', fields: HELLO_FIELDS, run: hello },
  { name: 'isMaster', aliases: ['ismaster'], fields: HELLO_FIELDS, run: hello },
  { name: 'ping', fields: [], run: ok },
  { name: 'buildInfo', aliases: ['buildinfo'], fields: [], run: buildInfo },
  { name: 'endSessions', fields: [], run: endSessions },
  { name: 'killSessions', fields: [], run: endSessions },
  { name: 'refreshSessions', fields: [], run: ok },
];
