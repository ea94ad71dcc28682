import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { ConfigError, readEnvironment, type Environment } from './environment.js';
import { jwtConfig, misplacedKeys, type JwtConfig } from './jwt.js';
import { keptSecrets } from './keys.js';
import { chosenModules, MODULE_NAMES, type ModuleName } from './modules.js';
import { mailConfig, type MailConfig } from './mail.js';
import { pushConfig, type PushConfig } from './push.js';
import { redisConfig, type RedisConfig } from './redis.js';

export type { RedisConfig };

/** What the process was told to be: validated, complete and frozen. The class is the injection token. */
export class AppConfig {
  readonly mode: 'embedded' | 'server';
  /** Whose routes, listeners and chores this process has. */
  readonly modules: readonly ModuleName[];
  /** Whether it answers requests (`api`), works in the background (`worker`), or both. */
  readonly role: Environment['ROLE'];
  readonly production: boolean;
  readonly host: string;
  /** 0 lets the kernel choose. */
  readonly port: number;
  /** The address clients use, without a slash at the end: in problem types and links. */
  readonly publicUrl: string;
  /** The front end that people use, without a slash at the end: where links in mails lead. Absent: there is none. */
  readonly appUrl?: string;
  readonly dataDir: string;
  readonly mongo: {
    readonly uri?: string;
    readonly maxPoolSize: number;
    readonly serverSelectionTimeoutMs: number;
    readonly socketTimeoutMs: number;
    /** The server's limit for a query (`maxTimeMS`). */
    readonly operationTimeoutMs: number;
    readonly readPreference: Environment['MONGODB_READ_PREFERENCE'];
    /** Whether this process brings the database to its release; else it is not ready until somebody has. */
    readonly migrateAtStart: boolean;
  };
  /** Absent: this process shares nothing but the database. */
  readonly redis?: RedisConfig;
  /** How many processes share the limits, for when nothing but their number tells each its part. */
  readonly apiInstances: number;
  /** The RabbitMQ that brings events to those who subscribe. Absent: they take them from the log in the database. */
  readonly eventsUrl?: string;
  readonly jwt: JwtConfig;
  readonly mail: MailConfig;
  /** Absent: there are no pushes. */
  readonly push?: PushConfig;
  /** Signs cursors, and makes the tokens that are mailed. */
  readonly secretKey: Buffer;
  readonly bootstrapAdmin?: { readonly email: string; readonly password: string };
  /** The longest a client waits for an answer, whatever a store does: then it is 503. Bulk has 20 s. */
  readonly requestTimeoutMs: number;
  /** How long a connection without a request stays open. */
  readonly keepAliveSeconds: number;
  readonly rateLimitPerMinute: number;
  readonly loginRateLimitPer15Min: number;
  readonly trustProxy: false | number | readonly string[];
  readonly corsOrigins: readonly string[];
  readonly logLevel: Environment['LOG_LEVEL'];
  readonly logFormat: 'json' | 'pretty';
  /** What runs here, for whoever looks at several processes. */
  readonly release: { readonly version: string; readonly commit?: string };
  /** Whether anything is measured. */
  readonly metrics: boolean;
  readonly metricsToken?: string;
  /** Where traces go, and which part of those that no caller has decided about. Absent: none are recorded. */
  readonly tracing?: { readonly endpoint: string; readonly serviceName: string; readonly ratio: number };
  /** Where bugs and crashes are reported. */
  readonly sentryDsn?: string;
  /** Seconds between "not ready" and closing, so that a load balancer has noticed. */
  readonly drainSeconds: number;

  /**
   * @param problems what is known to be wrong with the environment already
   * @throws ConfigError naming every bad variable at once
   */
  constructor(environment: Environment, problems: readonly string[] = []) {
    this.mode = environment.MONGODB_URI ? 'server' : 'embedded';
    this.production = environment.NODE_ENV === 'production';
    this.refuseUnsafe(environment, problems);
    this.modules = chosenModules(environment.MODULES);
    this.role = environment.ROLE;
    this.host = environment.HOST ?? (this.mode === 'embedded' ? '127.0.0.1' : '0.0.0.0');
    this.port = environment.PORT;
    this.publicUrl = (environment.PUBLIC_URL ?? `http://localhost:${this.port}`).replace(/\/+$/, '');
    this.appUrl = environment.APP_URL?.replace(/\/+$/, '');
    this.dataDir = resolve(environment.DATA_DIR);
    this.mongo = Object.freeze({
      uri: environment.MONGODB_URI,
      maxPoolSize: environment.MONGODB_MAX_POOL_SIZE,
      serverSelectionTimeoutMs: environment.MONGODB_SERVER_SELECTION_TIMEOUT_MS,
      socketTimeoutMs: environment.MONGODB_SOCKET_TIMEOUT_MS,
      operationTimeoutMs: environment.MONGODB_OPERATION_TIMEOUT_MS,
      readPreference: environment.MONGODB_READ_PREFERENCE,
      migrateAtStart: environment.MIGRATE_AT_START ?? (this.mode === 'embedded' || !this.production),
    });
    this.redis = redisConfig(environment);
    this.apiInstances = environment.API_INSTANCES;
    this.eventsUrl = environment.EVENTS_URL;
    const needsKept = !(environment.SECRET_KEY && environment.JWT_KEYS);
    const kept = this.mode === 'embedded' && needsKept ? keptSecrets(this.dataDir) : undefined;
    this.jwt = jwtConfig(environment, kept?.jwtKeys);
    this.secretKey = createHash('sha256')
      .update(environment.SECRET_KEY ?? kept!.secretKey)
      .digest();
    this.mail = mailConfig(environment, this.dataDir);
    this.push = pushConfig(environment, this.mode === 'embedded' ? this.secretKey : undefined);
    const { BOOTSTRAP_ADMIN_EMAIL: email, BOOTSTRAP_ADMIN_PASSWORD: password } = environment;
    this.bootstrapAdmin = email && password ? Object.freeze({ email, password }) : undefined;
    this.requestTimeoutMs = environment.REQUEST_TIMEOUT_MS;
    this.keepAliveSeconds = environment.KEEP_ALIVE_SECONDS;
    this.rateLimitPerMinute = environment.RATE_LIMIT_PER_MINUTE;
    this.loginRateLimitPer15Min = environment.LOGIN_RATE_LIMIT_PER_15MIN;
    this.trustProxy = trustProxy(environment.TRUST_PROXY);
    this.corsOrigins = Object.freeze(environment.CORS_ORIGINS?.split(',') ?? []);
    this.logLevel = environment.LOG_LEVEL;
    // A person looks at the terminal of an embedded start; anywhere else a machine reads the log.
    this.logFormat = environment.LOG_FORMAT ?? (this.mode === 'embedded' && !this.production ? 'pretty' : 'json');
    this.release = Object.freeze({ version: packageVersion(), commit: environment.COMMIT });
    this.metrics = environment.METRICS;
    this.metricsToken = environment.METRICS_TOKEN;
    const endpoint = environment.OTEL_EXPORTER_OTLP_ENDPOINT?.replace(/\/+$/, '');
    const { OTEL_SERVICE_NAME: serviceName, OTEL_TRACES_SAMPLER_ARG: ratio } = environment;
    this.tracing = endpoint ? Object.freeze({ endpoint, serviceName, ratio }) : undefined;
    this.sentryDsn = environment.SENTRY_DSN;
    this.drainSeconds = environment.DRAIN_SECONDS;
    Object.freeze(this);
  }

  private refuseUnsafe(environment: Environment, known: readonly string[]): void {
    const isKnown = (prefix: string): boolean => known.some((line) => line.startsWith(prefix));
    const problems = [
      ...known,
      ...problemsOf(() => jwtConfig(environment)),
      ...(isKnown('REDIS_') ? [] : problemsOf(() => redisConfig(environment))),
      ...(isKnown('SMTP_') ? [] : problemsOf(() => mailConfig(environment, ''))),
      ...(isKnown('VAPID_') ? [] : problemsOf(() => pushConfig(environment))),
    ];
    if (this.production && this.mode === 'embedded' && !environment.ALLOW_EMBEDDED) {
      problems.push(
        'MONGODB_URI: required in production (ALLOW_EMBEDDED=true runs on the embedded store all the same)',
      );
    }
    const modules = chosenModules(environment.MODULES);
    if (this.mode === 'embedded' && modules.length < MODULE_NAMES.length) {
      problems.push('MODULES: some of them need MONGODB_URI, because the embedded store belongs to one process');
    }
    if (this.mode === 'embedded' && environment.ROLE !== 'all') {
      problems.push('ROLE: api and worker need MONGODB_URI, because the embedded store belongs to one process');
    }
    if (this.mode === 'server') {
      if (!isKnown('JWT_')) problems.push(...misplacedKeys(environment, modules.includes('auth')));
      if (!environment.SECRET_KEY) problems.push('SECRET_KEY: required with MONGODB_URI');
    }
    if (Boolean(environment.BOOTSTRAP_ADMIN_EMAIL) !== Boolean(environment.BOOTSTRAP_ADMIN_PASSWORD)) {
      problems.push('BOOTSTRAP_ADMIN_EMAIL and BOOTSTRAP_ADMIN_PASSWORD: set both or neither');
    }
    if (this.production) {
      for (const name of ['SECRET_KEY', 'BOOTSTRAP_ADMIN_PASSWORD', 'METRICS_TOKEN'] as const) {
        const value = environment[name];
        if (value && isGuessable(value)) problems.push(`${name}: too easy to guess for production`);
      }
    }
    if (problems.length > 0) throw new ConfigError([...new Set(problems)].join('\n'));
  }
}

/**
 * The only reader of the environment.
 * @throws ConfigError with one line per bad variable
 */
export function loadConfig(source: NodeJS.ProcessEnv = process.env): AppConfig {
  const { environment, problems } = readEnvironment(source);
  return new AppConfig(environment, problems);
}

/** The package lies beside `src/` and `dist/` alike. */
function packageVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

/**
 * All that a migration needs to know: no key, and no variable that only processes for requests read.
 * @throws ConfigError
 */
export function loadMongoUri(source: NodeJS.ProcessEnv = process.env): string {
  const { environment, problems } = readEnvironment(source);
  const wrong = problems.filter((line) => line.startsWith('MONGODB_URI'));
  if (wrong.length > 0) throw new ConfigError(wrong.join('\n'));
  if (!environment.MONGODB_URI)
    throw new ConfigError('MONGODB_URI: required; without it the embedded store is migrated by every start');
  return environment.MONGODB_URI;
}

function problemsOf(read: () => unknown): string[] {
  try {
    read();
    return [];
  } catch (error) {
    return [(error as Error).message];
  }
}

function trustProxy(value: string | undefined): AppConfig['trustProxy'] {
  if (!value) return false;
  return /^\d+$/.test(value) ? Number(value) : Object.freeze(value.split(',').map((part) => part.trim()));
}

/** Few different characters, or a word that stands in examples: not what a random generator makes. */
function isGuessable(secret: string): boolean {
  return new Set(secret).size < 8 || /change.?me|example|secret|password|taskflow|123456/i.test(secret);
}
