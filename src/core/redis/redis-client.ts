import { Cluster, Redis, type ClusterOptions, type RedisOptions } from 'ioredis';
import type { RedisConfig } from '../../config/config.js';
import { backoffMs } from '../time/backoff.js';

/** Milliseconds. */
const CONNECT_TIMEOUT_MS = 500;
/** Only for the handshake and for probes: what a request waits for has its own, shorter limit. */
const COMMAND_TIMEOUT_MS = 500;
/** A server that came back is found within this time. */
const LONGEST_PAUSE_MS = 1000;
const READONLY_RECONNECT_MS = 1000;
/** A queue's connection that owes an answer for so long is dead. Blocking reads wait at most 10 s. */
const QUEUE_SILENCE_MS = 15_000;

export type RedisClient = Redis | Cluster;

/**
 * A connection for the path of a request: nothing is queued, nothing is sent again, and a lost connection is opened
 * anew for as long as the process lives. Not connected yet.
 */
export function createRedisClient(config: RedisConfig): RedisClient {
  const options = connectionOptions(config);
  if (config.clusterNodes.length === 0) return new Redis({ ...options, ...serverOf(config) });
  const cluster: ClusterOptions = {
    lazyConnect: true,
    enableOfflineQueue: false,
    // Commands by themselves fail until the connection to their node is open. Of pipelines one is under way at a time: a
    // message to the other processes would hold up whoever asks next.
    enableAutoPipelining: true,
    autoPipeliningIgnoredCommands: ['publish'],
    clusterRetryStrategy: pause,
    slotsRefreshTimeout: CONNECT_TIMEOUT_MS,
    slotsRefreshInterval: 5000,
    maxRedirections: 3,
    // A node that is away is away: the caller does something else instead of waiting for a new one.
    retryDelayOnFailover: 0,
    retryDelayOnClusterDown: 0,
    retryDelayOnTryAgain: 0,
    redisOptions: options,
  };
  return new Cluster([...config.clusterNodes], cluster);
}

/** A connection for queues: commands wait for Redis as long as it takes, and those under way are sent again. */
export function createQueueClient(config: RedisConfig): RedisClient {
  const options: RedisOptions = {
    ...connectionOptions(config),
    enableOfflineQueue: true,
    autoResendUnfulfilledCommands: true,
    // BullMQ refuses any other value on a connection that blocks.
    maxRetriesPerRequest: null,
    commandTimeout: undefined,
    socketTimeout: QUEUE_SILENCE_MS,
  };
  if (config.clusterNodes.length === 0) return new Redis({ ...options, ...serverOf(config) });
  const cluster: ClusterOptions = {
    lazyConnect: true,
    clusterRetryStrategy: pause,
    // A node that is away is named again by its neighbours until one takes its place: 16 times, the default, is a second.
    maxRedirections: Infinity,
    retryDelayOnMoved: 50,
    redisOptions: options,
  };
  return new Cluster([...config.clusterNodes], cluster);
}

/** What every connection has in common, of whatever topology. */
export function connectionOptions(config: RedisConfig): RedisOptions {
  return {
    lazyConnect: true,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    connectTimeout: CONNECT_TIMEOUT_MS,
    commandTimeout: COMMAND_TIMEOUT_MS,
    disconnectTimeout: 100,
    retryStrategy: pause,
    reconnectOnError: reconnectWhenReadOnly(),
    username: config.username,
    password: config.password,
    ...(config.tls ? { tls: config.tls } : {}),
  };
}

/** One server by its address, or the one that the sentinels name. */
export function serverOf(config: RedisConfig): RedisOptions {
  if (config.sentinels.length === 0) return { host: config.host, port: config.port, db: config.database };
  return {
    sentinels: [...config.sentinels],
    name: config.sentinelName,
    db: config.database,
    sentinelRetryStrategy: pause,
    sentinelCommandTimeout: COMMAND_TIMEOUT_MS,
    // Passwords of sentinels are rare and differ from the server's; TLS is for all or for none.
    enableTLSForSentinelMode: config.tls !== undefined,
    ...(config.tls ? { sentinelTLS: config.tls } : {}),
  };
}

const pause = (attempt: number): number =>
  backoffMs(attempt, { firstMs: 50, longestMs: LONGEST_PAUSE_MS, jitter: 0.2 });

/** After a failover the address may lead to a replica; a new connection leads to the new primary. */
function reconnectWhenReadOnly(): (error: Error) => boolean {
  let lastMs = -Infinity;
  return ({ message }) => {
    if (!message.includes('READONLY') || performance.now() - lastMs < READONLY_RECONNECT_MS) return false;
    lastMs = performance.now();
    return true;
  };
}
