import { Logger } from '@nestjs/common';
import { RedisCacheTurns } from '../../src/core/cache/cache-turns.js';
import { cacheTurnsContract } from '../contract/cache-turns.contract.js';
import { connectRedis } from '../support/request-redis.js';
import { startRedis, startRedisCluster } from '../support/redis-server.js';

Logger.overrideLogger(false);

describe.each([
  [
    'Redis',
    async () => {
      const server = await startRedis();
      return { environment: { REDIS_URL: server.url }, stop: () => server.stop() };
    },
  ],
  [
    'a Redis Cluster',
    async () => {
      const cluster = await startRedisCluster();
      return { environment: { REDIS_CLUSTER_NODES: cluster.addresses }, stop: () => cluster.stop() };
    },
  ],
])('the turns on %s', (_name, start: () => Promise<{ environment: object; stop(): Promise<void> }>) => {
  cacheTurnsContract(async () => {
    const server = await start();
    const { environment } = server;
    const [one, other] = [await connectRedis({ ...environment }), await connectRedis({ ...environment })];
    return {
      turns: [new RedisCacheTurns(one), new RedisCacheTurns(other)],
      close: () => {
        one.onApplicationShutdown();
        other.onApplicationShutdown();
        return server.stop();
      },
    };
  });
});
