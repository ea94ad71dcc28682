import type { LoggerService } from '@nestjs/common';
import { WinstonModule } from 'nest-winston';
import winston from 'winston';
import type { AppConfig } from '../../config/config.js';
import { isSecretField, redact } from './redact.js';
import { requestContext } from './request-context.js';
import { LINE, StandardOutput, writeLine } from './standard-output.js';

type Format = ReturnType<typeof winston.format.json>;

/** The fields of a request's line. */
export interface AccessLine {
  readonly message: string;
  readonly [field: string]: unknown;
}

const addContext = winston.format((info) => {
  const context = requestContext.getStore();
  return context ? Object.assign(info, { requestId: context.requestId, traceId: context.traceId }) : info;
});
const redacted = winston.format((info) => {
  for (const key of Object.keys(info)) info[key] = isSecretField(key) ? '[redacted]' : redact(info[key]);
  return info;
});

/** Some seventy lines a start that say what the program is made of, and never change. */
const NEST_STRUCTURE = new Set(['NestFactory', 'InstanceLoader', 'RoutesResolver', 'RouterExplorer']);

const withoutStructure = winston.format((info) =>
  info.level === 'info' && NEST_STRUCTURE.has(info['context'] as string) ? false : info,
);

const pretty = winston.format.printf(({ level, message, timestamp, context, stack }) => {
  const where = typeof context === 'string' ? ` [${context}]` : '';
  const trace = Array.isArray(stack) && stack[0] ? `\n${String(stack[0])}` : '';
  return `${String(timestamp).slice(11, 23)} ${level.padEnd(5)}${where} ${String(message)}${trace}`;
});

/** What was redacted is plain: nothing circular, nothing deep. */
const json = winston.format.printf((info) => JSON.stringify(info));

type LogConfig = Pick<AppConfig, 'logLevel' | 'logFormat'>;

const formatsOf = ({ logFormat }: LogConfig): Format[] => [
  redacted(),
  winston.format.timestamp(),
  logFormat === 'json' ? json : pretty,
];

/** The process' logger: one JSON object a line (or readable text), with the request and trace id, secrets blanked. */
export function createLogger(config: LogConfig): LoggerService {
  const structure = config.logLevel === 'debug' ? [] : [withoutStructure()];
  return WinstonModule.createLogger({
    level: config.logLevel === 'silent' ? 'error' : config.logLevel,
    silent: config.logLevel === 'silent',
    format: winston.format.combine(...structure, addContext(), ...formatsOf(config)),
    transports: [new StandardOutput()],
  });
}

/**
 * What writes the line of a request, which has its ids already; undefined when nobody wants to read it. As any other
 * line, but past Nest's and winston's loggers and streams: on the path of every request they cost more than the line.
 */
export function createAccessLog(config: LogConfig): ((fields: AccessLine) => void) | undefined {
  if (config.logLevel !== 'info' && config.logLevel !== 'debug') return undefined;
  const format = winston.format.combine(...formatsOf(config));
  return (fields) => {
    const info = format.transform({ level: 'info', context: 'HTTP', ...fields });
    if (typeof info === 'object') writeLine('info', String(info[LINE]));
  };
}
