import { RedisScript } from '../../core/redis/redis-script.js';

/*
 * Each is one step for Redis. Times come as arguments, never from Redis' clock, which only forgets what is over anyway.
 * Whatever a client chose is an argument too: no script is built from a value.
 */

/** KEYS: session, index · ARGV: session id, expiry, expiry of the index, then fields and values. */
export const CREATE = new RedisScript(
  'session.create',
  `
local fields = {}
for i = 4, #ARGV do fields[#fields + 1] = ARGV[i] end
redis.call('HSET', KEYS[1], unpack(fields))
redis.call('PEXPIREAT', KEYS[1], ARGV[2])
redis.call('ZADD', KEYS[2], ARGV[2], ARGV[1])
redis.call('PEXPIREAT', KEYS[2], ARGV[3])
return 1`,
);

/**
 * Compares and exchanges. A token counts as the current one also when it is the parent of a successor that nobody got.
 * KEYS: session, index, sealed successor, end of the session · ARGV: session id, now, family, presented, successor,
 * sealed successor, end and length of its time, idle expiry, ip, user agent, undelivered successors.
 */
export const ROTATE = new RedisScript(
  'session.rotate',
  `
local s = redis.call('HMGET', KEYS[1], 'familyHash', 'secretHash', 'parentHash', 'sealedUntil', 'expiresAt',
  'absoluteUntil', 'createdAt', 'lastUsedAt', 'ip', 'userAgent')
local now, presented = tonumber(ARGV[2]), ARGV[4]
if s[1] ~= ARGV[3] or tonumber(s[5]) <= now or redis.call('EXISTS', KEYS[4]) == 1 then return {'unknown'} end
local current = s[2] == presented
if s[3] == presented then
  for i = 12, #ARGV do current = current or s[2] == ARGV[i] end
end
if current then
  local expiry = ARGV[9]
  if tonumber(s[6]) < tonumber(expiry) then expiry = s[6] end
  redis.call('HSET', KEYS[1], 'secretHash', ARGV[5], 'parentHash', presented, 'sealedUntil', ARGV[7],
    'lastUsedAt', ARGV[2], 'expiresAt', expiry, 'ip', ARGV[10], 'userAgent', ARGV[11])
  redis.call('PEXPIREAT', KEYS[1], expiry)
  redis.call('ZADD', KEYS[2], expiry, ARGV[1])
  redis.call('PEXPIREAT', KEYS[2], ARGV[9])
  redis.call('SET', KEYS[3], ARGV[6], 'PX', ARGV[8])
  return {'rotated', s[7], ARGV[2], ARGV[10], ARGV[11]}
end
if s[3] == presented and tonumber(s[4]) > now then
  local sealed = redis.call('GET', KEYS[3])
  if sealed then return {'replayed', s[7], s[8], s[9], s[10], sealed} end
end
return {'reused'}`,
);

/** KEYS: session · ARGV: now, and for the current token only: family, secret. */
export const FIND = new RedisScript(
  'session.find',
  `
local s = redis.call('HMGET', KEYS[1], 'createdAt', 'lastUsedAt', 'ip', 'userAgent', 'expiresAt', 'familyHash', 'secretHash')
if not s[1] or tonumber(s[5]) <= tonumber(ARGV[1]) then return false end
if ARGV[2] and (s[6] ~= ARGV[2] or s[7] ~= ARGV[3]) then return false end
return {s[1], s[2], s[3], s[4]}`,
);

/**
 * KEYS: index · ARGV: now, how the keys of the sessions begin. They have the index' tag, so that a cluster has them
 * where the script runs, although they are not among its keys: which they are stands in the index.
 */
export const LIST = new RedisScript(
  'session.list',
  `
local found = {}
for _, id in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  local s = redis.call('HMGET', ARGV[2] .. id, 'createdAt', 'lastUsedAt', 'ip', 'userAgent', 'expiresAt')
  if not s[1] then
    redis.call('ZREM', KEYS[1], id)
  elseif tonumber(s[5]) > tonumber(ARGV[1]) then
    found[#found + 1] = {id, s[1], s[2], s[3], s[4]}
  end
end
return found`,
);

/** KEYS: index, then what is to go · ARGV: session ids. */
export const END = new RedisScript(
  'session.end',
  `
for i = 2, #KEYS do redis.call('DEL', KEYS[i]) end
for i = 1, #ARGV do redis.call('ZREM', KEYS[1], ARGV[i]) end
return 1`,
);
