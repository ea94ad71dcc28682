import { ModulesContainer } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { createApp } from '../../src/app.setup.js';
import { loadConfig } from '../../src/config/config.js';
import { MODULE_NAMES, type ModuleName } from '../../src/config/modules.js';
import { RequestRedis } from '../../src/core/redis/request-redis.js';
import { Clock } from '../../src/core/time/clock.js';
import { eventually } from './eventually.js';
import { publicKeys } from './keys.js';
import { INSIDE, startNginx, UNLIMITED, type Change } from './nginx.js';

/** Compression makes entity tags weak, which nginx-answers.spec.ts is about. */
const UNCOMPRESSED: Change = ['taskflow/http.conf', 'gzip on;', 'gzip off;'];

/** nginx believes what the test says about the client: it is the balancer in front. */
const BEHIND_A_BALANCER: Change = [
  'site.conf',
  'geo $',
  'set_real_ip_from 127.0.0.1;\nreal_ip_header X-Forwarded-For;\ngeo $',
];

/**
 * The same as one application, in four that serve a module each, on the same stores, behind nginx with the project's
 * configuration for it. What a test takes out of it comes from where it is at home.
 * @param redisUrl of the run; applications on one database share their keys in it
 */
export async function startSplitApp(
  environment: Record<string, string>,
  mongoUri: string,
  redisUrl: string,
): Promise<{ app: NestFastifyApplication; apps: NestFastifyApplication[]; url: string }> {
  const { JWT_KEYS = '', ...rest } = environment;
  const apps = {} as Record<ModuleName, NestFastifyApplication>;
  for (const module of MODULE_NAMES) {
    const config = loadConfig({
      REDIS_URL: redisUrl,
      REDIS_PREFIX: new URL(mongoUri).pathname.slice(1),
      ...rest,
      MODULES: module,
      TRUST_PROXY: '1',
      ...(module === 'auth' ? { JWT_KEYS } : { JWT_PUBLIC_KEYS: publicKeys(JWT_KEYS) }),
    });
    apps[module] = await createApp(config, mongoUri);
    await apps[module].listen(0, '127.0.0.1');
  }
  // Each held up this thread while it started, maybe for longer than the connections of the others wait for an answer.
  for (const app of Object.values(apps))
    await eventually(async () => expect(await app.get(RequestRedis).isUp()).toBe(true), 10_000);
  const { auth, ...others } = apps;
  const clock = auth.get(Clock);
  for (const app of Object.values(others)) app.get(Clock).now = () => clock.now();
  const upstreams: Record<string, string[]> = {};
  for (const module of MODULE_NAMES) upstreams[module] = [await apps[module].getUrl()];
  const changes = [INSIDE, UNLIMITED, UNCOMPRESSED, ...(environment['TRUST_PROXY'] ? [BEHIND_A_BALANCER] : [])];
  const nginx = await startNginx({ config: 'nginx.split.conf', upstreams, changes });
  const close = async (): Promise<void> => {
    await nginx.stop();
    for (const app of Object.values(apps)) await app.close();
  };
  return { app: together(apps, close), apps: Object.values(apps), url: nginx.url };
}

/** Looks like the application with all modules; what core provides is that of auth, which has the private keys. */
function together(
  apps: Record<ModuleName, NestFastifyApplication>,
  close: () => Promise<void>,
): NestFastifyApplication {
  const homes = new Map<unknown, ModuleName>();
  for (const { metatype, providers } of apps.auth.get(ModulesContainer).values()) {
    const module = MODULE_NAMES.find((name) => metatype.name.toLowerCase() === `${name}module`);
    if (module) for (const token of providers.keys()) homes.set(token, module);
  }
  return new Proxy(apps.auth, {
    get(target, name) {
      if (name === 'close') return close;
      if (name === 'get')
        return (...[token, options]: Parameters<NestFastifyApplication['get']>): unknown =>
          apps[homes.get(token) ?? 'auth'].get(token, { strict: false, ...options });
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}
