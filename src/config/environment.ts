import 'reflect-metadata';
import { applyDecorators } from '@nestjs/common';
import { Expose, Transform, Type, plainToInstance } from 'class-transformer';
import {
  getMetadataStorage,
  IsBoolean,
  IsEmail,
  IsIn,
  IsInt,
  IsNumber,
  IsOptional,
  IsString,
  IsUrl,
  Matches,
  Max,
  MaxLength,
  Min,
  MinLength,
  ValidateBy,
  validateSync,
} from 'class-validator';
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { MODULE_LIST, MODULE_NAMES } from './modules.js';

/** A setting that keeps the process from starting. The message names variables and never prints their values. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/** Variables whose value may come from a file instead: `NAME_FILE=/run/secrets/name` (Docker and Kubernetes secrets). */
export const SECRET_NAMES = [
  'MONGODB_URI',
  'REDIS_URL',
  'EVENTS_URL',
  'JWT_KEYS',
  'SMTP_URL',
  'VAPID_PRIVATE_KEY',
  'SECRET_KEY',
  'BOOTSTRAP_ADMIN_PASSWORD',
  'METRICS_TOKEN',
  'SENTRY_DSN',
] as const;

const WholeNumber = (min: number, max: number): PropertyDecorator => {
  const message = `must be a whole number from ${min} to ${max}`;
  return applyDecorators(
    Expose(),
    Type(() => Number),
    IsInt({ message }),
    Min(min, { message }),
    Max(max, { message }),
  );
};
/** A part of the whole, from 0 to 1. */
const Ratio = (): PropertyDecorator => {
  const message = 'must be a number from 0 to 1';
  return applyDecorators(
    Expose(),
    Type(() => Number),
    IsNumber({}, { message }),
    Min(0, { message }),
    Max(1, { message }),
  );
};
const Address = (): PropertyDecorator =>
  applyDecorators(
    Expose(),
    IsOptional(),
    IsUrl(
      { require_tld: false, protocols: ['http', 'https'], require_protocol: true },
      { message: 'must be an http(s) URL' },
    ),
  );
const Flag = (): PropertyDecorator =>
  applyDecorators(
    Expose(),
    Transform(({ value }) => (value === 'true' ? true : value === 'false' ? false : (value as unknown))),
    IsBoolean({ message: 'must be true or false' }),
  );
const Choice = (...values: string[]): PropertyDecorator =>
  applyDecorators(Expose(), IsIn(values, { message: `must be one of ${values.join(', ')}` }));
const Text = (message: string, pattern?: RegExp): PropertyDecorator =>
  applyDecorators(
    Expose(),
    IsOptional(),
    IsString(),
    MaxLength(65_536, { message: 'is too long' }),
    ...(pattern ? [Matches(pattern, { message })] : []),
  );
/** `host:port,…`, an IPv6 address in brackets. */
const ADDRESSES = /^(?:[\w.-]+|\[[\da-fA-F:.]+\]):\d{1,5}(?:,(?:[\w.-]+|\[[\da-fA-F:.]+\]):\d{1,5})*$/;
const TrustedProxies = (): PropertyDecorator =>
  ValidateBy({
    name: 'trustedProxies',
    validator: {
      validate: (value: string) =>
        /^\d{1,3}$/.test(value) || value.split(',').every((part) => isAddressRange(part.trim())),
      defaultMessage: () => 'must be a number of hops or a list of addresses and CIDRs; `true` would believe anybody',
    },
  });

/** An address, or a CIDR that leaves something out. */
function isAddressRange(text: string): boolean {
  const [address = '', prefix] = text.split('/', 2);
  const bits = isIP(address) === 4 ? 32 : 128;
  const isPrefix = prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) >= 1 && Number(prefix) <= bits);
  return isIP(address) > 0 && isPrefix && text.split('/').length <= 2;
}

/**
 * The process environment as it may be set: one property per variable, with its default. What it means is decided
 * in `config.ts`. README and `.env.example` are compared with this class in a test.
 */
export class Environment {
  @Choice('development', 'production', 'test') readonly NODE_ENV: 'development' | 'production' | 'test' = 'development';
  @WholeNumber(0, 65_535) readonly PORT: number = 3000;
  @Text('must be an address to listen on', /^[A-Za-z0-9.:_-]+$/) readonly HOST?: string;
  @Address() readonly PUBLIC_URL?: string;
  @Address() readonly APP_URL?: string;
  @Text(`must be some of ${MODULE_NAMES.join(',')}`, MODULE_LIST) readonly MODULES?: string;
  @Choice('all', 'api', 'worker') readonly ROLE: 'all' | 'api' | 'worker' = 'all';
  @Text('must be a directory') readonly DATA_DIR: string = '.data';
  @Flag() readonly ALLOW_EMBEDDED: boolean = false;

  @Text('must begin with mongodb:// or mongodb+srv://', /^mongodb(\+srv)?:\/\/\S+$/) readonly MONGODB_URI?: string;
  @WholeNumber(1, 1000) readonly MONGODB_MAX_POOL_SIZE: number = 10;
  @WholeNumber(50, 60_000) readonly MONGODB_SERVER_SELECTION_TIMEOUT_MS: number = 1500;
  @WholeNumber(50, 600_000) readonly MONGODB_SOCKET_TIMEOUT_MS: number = 5000;
  @WholeNumber(50, 60_000) readonly MONGODB_OPERATION_TIMEOUT_MS: number = 2000;
  @Choice('primary', 'primaryPreferred', 'secondary', 'secondaryPreferred', 'nearest')
  readonly MONGODB_READ_PREFERENCE: 'primary' | 'primaryPreferred' | 'secondary' | 'secondaryPreferred' | 'nearest' =
    'primary';
  @IsOptional() @Flag() readonly MIGRATE_AT_START?: boolean;
  @Text('must begin with redis:// or rediss://', /^rediss?:\/\/\S+$/) readonly REDIS_URL?: string;
  @Text('expected host:port[,…]', ADDRESSES) readonly REDIS_CLUSTER_NODES?: string;
  @Text('expected host:port[,…]', ADDRESSES) readonly REDIS_SENTINELS?: string;
  @Text('must be a name', /^[\w.-]+$/) readonly REDIS_SENTINEL_NAME: string = 'mymaster';
  @Text('must be PEM or a file') readonly REDIS_CA?: string;
  @Text('must be letters, digits, . _ and -', /^[\w.-]+$/) readonly REDIS_PREFIX: string = 'tf';
  @WholeNumber(1, 10_000) readonly API_INSTANCES: number = 1;
  @Text('expected amqp[s]://[user:password@]host[:port][/vhost]', /^amqps?:\/\/[^\s/]+(\/\S*)?$/)
  readonly EVENTS_URL?: string;

  @Text('expected kid:base64url(PKCS#8)[,…], ES256', /^[\w.-]+:[\w-]+(,[\w.-]+:[\w-]+)*$/) readonly JWT_KEYS?: string;
  @Text('expected kid:base64url(SPKI)[,…], ES256', /^[\w.-]+:[\w-]+(,[\w.-]+:[\w-]+)*$/)
  readonly JWT_PUBLIC_KEYS?: string;
  @Address() readonly JWT_JWKS_URL?: string;
  @Text('must be a name or URL') readonly JWT_ISSUER: string = 'taskflow';
  @Expose() @IsOptional() @MinLength(32, { message: 'must have at least 32 bytes' }) readonly SECRET_KEY?: string;
  @Expose()
  @IsOptional()
  @IsEmail({}, { message: 'must be an e-mail address' })
  readonly BOOTSTRAP_ADMIN_EMAIL?: string;
  @Expose()
  @IsOptional()
  @MinLength(10, { message: 'must have 10 to 128 characters' })
  @MaxLength(128, { message: 'must have 10 to 128 characters' })
  readonly BOOTSTRAP_ADMIN_PASSWORD?: string;

  @WholeNumber(100, 20_000) readonly REQUEST_TIMEOUT_MS: number = 2000;
  @WholeNumber(1, 3600) readonly KEEP_ALIVE_SECONDS: number = 75;
  @WholeNumber(1, 1_000_000) readonly RATE_LIMIT_PER_MINUTE: number = 300;
  @WholeNumber(1, 1_000_000) readonly LOGIN_RATE_LIMIT_PER_15MIN: number = 10;
  @Expose() @IsOptional() @TrustedProxies() readonly TRUST_PROXY?: string;
  @Text('must be a list of origins: https://app.example.com[,…]', /^https?:\/\/[^\s,/]+(,https?:\/\/[^\s,/]+)*$/)
  readonly CORS_ORIGINS?: string;

  @Text('expected smtp[s]://[user:password@]host[:port]', /^smtps?:\/\/\S+$/) readonly SMTP_URL?: string;
  @Text('must be an address, or Name <address>', /^(?:[^<>\r\n"]+ <[^\s<>@]+@[^\s<>@]+>|[^\s<>@]+@[^\s<>@]+)$/)
  readonly MAIL_FROM: string = 'TaskFlow <no-reply@localhost>';
  @Text('expected 32 bytes of a P-256 key in base64url', /^[\w-]{43}=?$/) readonly VAPID_PRIVATE_KEY?: string;
  @Text('must begin with mailto: or https:', /^(?:mailto:\S+@\S+|https:\/\/\S+)$/) readonly VAPID_SUBJECT?: string;

  @Choice('error', 'warn', 'info', 'debug', 'silent') readonly LOG_LEVEL:
    'error' | 'warn' | 'info' | 'debug' | 'silent' = 'info';
  @Expose() @IsOptional() @IsIn(['json', 'pretty'], { message: 'must be one of json, pretty' }) readonly LOG_FORMAT?:
    'json' | 'pretty';
  @Flag() readonly METRICS: boolean = true;
  @Expose()
  @IsOptional()
  @MinLength(16, { message: 'must have at least 16 characters' })
  readonly METRICS_TOKEN?: string;
  @Address() readonly OTEL_EXPORTER_OTLP_ENDPOINT?: string;
  @Text('must be letters, digits, . _ and -', /^[\w.-]+$/) readonly OTEL_SERVICE_NAME: string = 'taskflow';
  @Ratio() readonly OTEL_TRACES_SAMPLER_ARG: number = 0.1;
  @Text('expected https://<key>@<host>/<project>', /^https?:\/\/\w+@[^\s/@]+\/(?:\S+\/)?\d+$/)
  readonly SENTRY_DSN?: string;
  @Text('must be a commit of git', /^[\da-f]{7,64}$/) readonly COMMIT?: string;
  @WholeNumber(0, 120) readonly DRAIN_SECONDS: number = 0;
}

/** Every variable that TaskFlow reads, apart from the `_FILE` forms. */
export const ENVIRONMENT_NAMES: readonly string[] = [
  ...new Set(
    getMetadataStorage()
      .getTargetValidationMetadatas(Environment, '', false, false)
      .map(({ propertyName }) => propertyName),
  ),
];

/**
 * Reads and checks the environment. An empty value counts as unset.
 * @returns also one line for each variable that is not as its property says
 */
export function readEnvironment(source: NodeJS.ProcessEnv): { environment: Environment; problems: readonly string[] } {
  const problems: string[] = [];
  const given: Record<string, string> = {};
  for (const [name, value] of Object.entries(source)) if (value) given[name] = value;
  for (const name of SECRET_NAMES) {
    const file = given[`${name}_FILE`];
    if (!file) continue;
    if (given[name]) problems.push(`${name}: set it or ${name}_FILE, not both`);
    try {
      given[name] = readFileSync(file, 'utf8').trim();
    } catch {
      problems.push(`${name}_FILE: the file cannot be read`);
    }
  }
  const environment = plainToInstance(Environment, given, { excludeExtraneousValues: true, exposeDefaultValues: true });
  for (const { property, constraints } of validateSync(environment)) {
    problems.push(`${property}: ${Object.values(constraints ?? {})[0] ?? 'is not valid'}`);
  }
  return { environment, problems };
}
