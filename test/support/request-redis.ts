import { loadConfig } from '../../src/config/config.js';
import { generateJwtKey } from '../../src/config/keys.js';
import { RequestRedis } from '../../src/core/redis/request-redis.js';

const keys = generateJwtKey();

/** A connected `RequestRedis` without an application. @param environment such as `{ REDIS_URL }` */
export async function connectRedis(environment: Record<string, string>): Promise<RequestRedis> {
  const server = { MONGODB_URI: 'mongodb://nowhere', JWT_KEYS: keys, SECRET_KEY: 'x'.repeat(32) };
  const redis = new RequestRedis(loadConfig({ ...server, ...environment }));
  await redis.onModuleInit();
  return redis;
}
