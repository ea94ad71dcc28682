import { Logger } from '@nestjs/common';
import { Redis } from 'ioredis';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { RedisScript } from '../../src/core/redis/redis-script.js';
import { makeCertificate } from '../support/certificate.js';
import { temporaryDirectory } from '../support/dist.js';
import { eventually } from '../support/eventually.js';
import { connectRedis } from '../support/request-redis.js';
import { freePort, startRedis, startSentinel } from '../support/redis-server.js';

Logger.overrideLogger(false);

const PORT = new RedisScript('port', `return string.match(redis.call('INFO', 'server'), 'tcp_port:(%d+)')`);
const COUNT = new RedisScript('count', `return redis.call('INCR', KEYS[1])`);

describe('a Redis that sentinels know', () => {
  it('is found, and so is the replica that takes its place', async () => {
    const settings = { 'repl-diskless-sync-delay': '0' };
    const [primary, replica] = await Promise.all([startRedis({ settings }), startRedis({ settings })]);
    const operator = new Redis(replica.url);
    await operator.replicaof('127.0.0.1', primary.port);
    await eventually(async () => expect(await operator.info('replication')).toContain('master_link_status:up'), 20_000);
    const sentinel = await startSentinel(primary);
    const redis = await connectRedis({ REDIS_SENTINELS: `127.0.0.1:${sentinel.port}` });
    try {
      expect(await redis.run(PORT, [redis.key('a')], [])).toBe(String(primary.port));
      expect(await redis.run(COUNT, [redis.key('a')], [])).toBe(1);
      await eventually(async () => expect(await operator.get(redis.key('a'))).toBe('1'));
      await primary.kill('SIGKILL');
      await eventually(async () => expect(await redis.run(COUNT, [redis.key('a')], [])).toBe(2), 20_000);
      expect(await redis.run(PORT, [redis.key('a')], [])).toBe(String(replica.port));
    } finally {
      redis.onApplicationShutdown();
      operator.disconnect();
      await Promise.all([sentinel.stop(), primary.stop(), replica.stop()]);
    }
  });
});

describe('a Redis behind TLS', () => {
  it('is believed with the certificate of our CA, as PEM or as a file, and not without', async () => {
    const directory = await temporaryDirectory();
    const port = await freePort();
    const { certificate, key } = makeCertificate();
    const [certificateFile, keyFile] = [join(directory.path, 'tls.crt'), join(directory.path, 'tls.key')];
    writeFileSync(certificateFile, certificate);
    writeFileSync(keyFile, key);
    const server = await startRedis({
      settings: {
        'tls-port': String(port),
        'tls-cert-file': certificateFile,
        'tls-key-file': keyFile,
        'tls-auth-clients': 'no',
        requirepass: 'a password',
      },
    });
    const url = `rediss://:a%20password@127.0.0.1:${port}`;
    try {
      for (const REDIS_CA of [certificate, certificateFile]) {
        const redis = await connectRedis({ REDIS_URL: url, REDIS_CA });
        expect(await redis.run(COUNT, [redis.key('a')], [])).toBeGreaterThan(0);
        redis.onApplicationShutdown();
      }
      const stranger = await connectRedis({ REDIS_URL: url, REDIS_CA: makeCertificate().certificate });
      expect(await stranger.isUp()).toBe(false);
      stranger.onApplicationShutdown();
    } finally {
      await server.stop();
      await directory.remove();
    }
  });
});
