import { readFileSync } from 'node:fs';
import { ConfigError, type Environment } from './environment.js';

export interface RedisAddress {
  readonly host: string;
  readonly port: number;
}

/** One server, or the servers of a cluster, or the sentinels that know the server. */
export interface RedisConfig extends RedisAddress {
  readonly clusterNodes: readonly RedisAddress[];
  readonly sentinels: readonly RedisAddress[];
  readonly sentinelName: string;
  readonly username?: string;
  readonly password?: string;
  readonly database: number;
  /** With `rediss://`. The certificate is checked against this CA, or against the system's. */
  readonly tls?: { readonly ca?: string };
  /** Begins every key and channel. */
  readonly prefix: string;
}

/**
 * `REDIS_URL` names the server; with cluster nodes or sentinels only its user, password, database and TLS count.
 * @returns undefined when no Redis is configured
 * @throws ConfigError
 */
export function redisConfig(environment: Environment): RedisConfig | undefined {
  const { REDIS_URL, REDIS_CLUSTER_NODES, REDIS_SENTINELS } = environment;
  if (!REDIS_URL && !REDIS_CLUSTER_NODES && !REDIS_SENTINELS) return undefined;
  if (REDIS_CLUSTER_NODES && REDIS_SENTINELS) {
    throw new ConfigError('REDIS_CLUSTER_NODES and REDIS_SENTINELS: set one of them');
  }
  const url = parseUrl(REDIS_URL ?? 'redis://localhost');
  const isTls = url.protocol === 'rediss:';
  return Object.freeze({
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: Number(url.port || 6379),
    clusterNodes: addresses('REDIS_CLUSTER_NODES', REDIS_CLUSTER_NODES),
    sentinels: addresses('REDIS_SENTINELS', REDIS_SENTINELS),
    sentinelName: environment.REDIS_SENTINEL_NAME,
    username: decodeURIComponent(url.username) || undefined,
    password: decodeURIComponent(url.password) || undefined,
    database: Number(url.pathname.slice(1)),
    tls: isTls ? Object.freeze({ ca: certificate(environment.REDIS_CA) }) : undefined,
    prefix: environment.REDIS_PREFIX,
  });
}

function parseUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url?.hostname || !/^(\/\d{0,3})?$/.test(url.pathname)) {
    throw new ConfigError('REDIS_URL: expected redis[s]://[user:password@]host[:port][/database]');
  }
  return url;
}

function addresses(name: string, list = ''): readonly RedisAddress[] {
  const entries = list.split(',').filter(Boolean);
  return Object.freeze(
    entries.map((entry) => {
      const address = `redis://${entry}`;
      if (!URL.canParse(address)) throw new ConfigError(`${name}: expected host:port[,…]`);
      const { hostname, port } = new URL(address);
      return Object.freeze({ host: hostname.replace(/^\[|\]$/g, ''), port: Number(port) });
    }),
  );
}

/** The PEM text itself, or the file it is in. */
function certificate(value: string | undefined): string | undefined {
  if (value === undefined || value.startsWith('-----BEGIN')) return value;
  try {
    return readFileSync(value, 'utf8');
  } catch {
    throw new ConfigError('REDIS_CA: expected PEM, or a file that can be read');
  }
}
