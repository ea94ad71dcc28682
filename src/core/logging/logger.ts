import type { LoggerService } from '@nestjs/common';
import { WinstonModule } from 'nest-winston';
import winston from 'winston';
import type { AppConfig } from '../../config/config.js';
import { requestContext } from './request-context.js';

const SECRET_FIELD = /pass(word)?|secret|token|authorization|cookie|api.?key|credential/i;
// Anybody can have a path of 16 KiB logged, so a text must not be searched anew from each of its characters: a token
// begins where its alphabet does, and a URI is found by what follows its scheme.
const BEARER_OR_JWT = /\bBearer\s+\S+|(?<![\w-])eyJ[\w-]+\.[\w-]+\.[\w-]*/g;
const URI_CREDENTIALS = /:\/\/[^\s/@:]*:[^\s/@]*@/g;
const MAX_DEPTH = 6;

/** Blanks what must never be in a log: fields named like secrets, tokens inside texts, passwords inside URIs. */
export function redact(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') {
    return value.replace(BEARER_OR_JWT, '[redacted]').replace(URI_CREDENTIALS, '://[redacted]@');
  }
  if (typeof value !== 'object' || value === null || value instanceof Date) return value;
  // What is not looked at is not logged either.
  if (depth > MAX_DEPTH) return '[too deep]';
  if (Array.isArray(value)) return value.map((item) => redact(item, depth + 1));
  const fields = value instanceof Error ? { ...value, name: value.name, message: value.message } : value;
  return Object.fromEntries(
    Object.entries(fields).map(([key, item]) => [
      key,
      SECRET_FIELD.test(key) && item ? '[redacted]' : redact(item, depth + 1),
    ]),
  );
}

const addContext = winston.format((info) => {
  const context = requestContext.getStore();
  return context ? Object.assign(info, { requestId: context.requestId, traceId: context.traceId }) : info;
});
const redacted = winston.format((info) => {
  for (const key of Object.keys(info)) info[key] = SECRET_FIELD.test(key) ? '[redacted]' : redact(info[key]);
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

/** The process' logger: one JSON object a line (or readable text), with the request and trace id, secrets blanked. */
export function createLogger(config: Pick<AppConfig, 'logLevel' | 'logFormat'>): LoggerService {
  const { combine, timestamp, json } = winston.format;
  const structure = config.logLevel === 'debug' ? [] : [withoutStructure()];
  return WinstonModule.createLogger({
    level: config.logLevel === 'silent' ? 'error' : config.logLevel,
    silent: config.logLevel === 'silent',
    format: combine(...structure, addContext(), redacted(), timestamp(), config.logFormat === 'json' ? json() : pretty),
    transports: [new winston.transports.Console()],
  });
}
