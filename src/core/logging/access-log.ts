import type { AppConfig } from '../../config/config.js';
import { prettyLine } from './logger.js';
import { redactText } from './redact.js';
import { writeLine } from './standard-output.js';

/** What is said about a request when it is over. */
export interface AccessLine {
  readonly method: string;
  /** As the client wrote it, without the query. */
  readonly path: string;
  readonly status: number;
  readonly durationMs: number;
  readonly ip: string;
  readonly userId?: string;
  readonly requestId: string;
  readonly traceId?: string;
  /** The code of the problem it was answered with. */
  readonly problem?: string;
}

/**
 * What writes the line of a request; undefined when nobody wants to read it. It looks as any other line, but goes past
 * Nest's and winston's loggers, formats and streams: on the path of every request they cost more than the line.
 */
export function createAccessLog(
  config: Pick<AppConfig, 'logLevel' | 'logFormat'>,
): ((line: AccessLine) => void) | undefined {
  if (config.logLevel !== 'info' && config.logLevel !== 'debug') return undefined;
  const toText = config.logFormat === 'json' ? toJson : toPretty;
  return (line) =>
    writeLine('info', toText({ ...line, path: redactText(line.path), requestId: redactText(line.requestId) }, now()));
}

let lastMs = 0;
let lastText = '';
/** RFC 3339. Many requests end in the same millisecond. */
function now(): string {
  const ms = Date.now();
  if (ms !== lastMs) [lastMs, lastText] = [ms, new Date(ms).toISOString()];
  return lastText;
}

const messageOf = ({ method, path, status, durationMs }: AccessLine): string =>
  `${method} ${path} ${status} ${durationMs}ms`;

const toPretty = (line: AccessLine, timestamp: string): string =>
  prettyLine({ level: 'info', timestamp, context: 'HTTP', message: messageOf(line) });

/** Characters that JSON has as they are. */
const PLAIN = /^[\w\-./:]*$/;
const quoted = (text: string): string => (PLAIN.test(text) ? `"${text}"` : JSON.stringify(text));

/** As `JSON.stringify` would, at half of its price. */
export function toJson(line: AccessLine, timestamp: string): string {
  const { method, status, durationMs, userId, traceId, problem } = line;
  const path = quoted(line.path);
  return `{"level":"info","timestamp":"${timestamp}","context":"HTTP","message":"${method} ${path.slice(1, -1)} ${status} ${durationMs}ms","method":"${method}","path":${path},"status":${status},"durationMs":${durationMs},"ip":${quoted(line.ip)}${
    userId === undefined ? '' : `,"userId":${quoted(userId)}`
  },"requestId":${quoted(line.requestId)}${
    traceId === undefined ? '' : `,"traceId":${quoted(traceId)}`
  }${problem === undefined ? '' : `,"problem":${quoted(problem)}`}}`;
}
