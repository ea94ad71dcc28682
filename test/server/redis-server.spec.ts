import { Cluster, Redis } from 'ioredis';
import { freePort, startRedis, startRedisCluster } from '../support/redis-server.js';

describe('the Redis processes of these tests', () => {
  test('answer, forget everything with a kill, and come back on the same port', async () => {
    const server = await startRedis();
    const client = new Redis(server.url);
    try {
      await client.set('key', 'value');
      const before = server.pid;
      await server.restart();
      expect(server.pid).not.toBe(before);
      expect(await client.get('key')).toBeNull();
    } finally {
      client.disconnect();
      await server.stop();
    }
    expect(() => process.kill(server.pid, 0)).toThrow(/ESRCH/);
  });

  test('take settings, and say why they do not start', async () => {
    await expect(startRedis({ settings: { maxmemory: 'nonsense' } })).rejects.toThrow(/redis-server ended with 1/);
  });

  test('join to a cluster that has all slots', async () => {
    const cluster = await startRedisCluster();
    const [host = '', port = ''] = cluster.addresses.split(',')[0]!.split(':');
    const client = new Cluster([{ host, port: Number(port) }]);
    try {
      const keys = Array.from({ length: 100 }, (_, i) => `{${i}}:key`);
      await Promise.all(keys.map((key) => client.set(key, key)));
      expect(await Promise.all(keys.map((key) => client.get(key)))).toEqual(keys);
      expect(client.nodes('master')).toHaveLength(3);
    } finally {
      client.disconnect();
      await cluster.stop();
    }
  });

  test('get ports that outgoing connections never take', async () => {
    expect(await freePort()).toBeLessThan(32_768);
  });
});
