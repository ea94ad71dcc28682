import type { LoggerService } from '@nestjs/common';
import { WinstonModule } from 'nest-winston';
import winston from 'winston';
import type { AppConfig } from '../../config/config.js';
import { isSecretField, redact } from './redact.js';
import { requestContext } from './request-context.js';
import { StandardOutput } from './standard-output.js';

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

type Fields = Readonly<Record<string, unknown>>;

/** Readable text; `timestamp` as RFC 3339 has it. */
export function prettyLine({ level, message, timestamp, context, stack }: Fields): string {
  const where = typeof context === 'string' ? ` [${context}]` : '';
  const trace = Array.isArray(stack) && stack[0] ? `\n${String(stack[0])}` : '';
  return `${String(timestamp).slice(11, 23)} ${String(level).padEnd(5)}${where} ${String(message)}${trace}`;
}

/** What was redacted is plain: nothing circular, nothing deep. */
const lineOf = ({ logFormat }: LogConfig): ((fields: Fields) => string) =>
  logFormat === 'json' ? JSON.stringify : prettyLine;

type LogConfig = Pick<AppConfig, 'logLevel' | 'logFormat'>;

/** The process' logger: one JSON object a line (or readable text), with the request and trace id, secrets blanked. */
export function createLogger(config: LogConfig): LoggerService {
  const structure = config.logLevel === 'debug' ? [] : [withoutStructure()];
  return WinstonModule.createLogger({
    level: config.logLevel === 'silent' ? 'error' : config.logLevel,
    silent: config.logLevel === 'silent',
    format: winston.format.combine(
      ...structure,
      addContext(),
      redacted(),
      winston.format.timestamp(),
      winston.format.printf(lineOf(config)),
    ),
    transports: [new StandardOutput()],
  });
}
