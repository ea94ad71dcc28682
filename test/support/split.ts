import { MODULE_NAMES, type ModuleName } from '../../src/config/modules.js';
import { generateJwtKey } from '../../src/config/keys.js';
import { startTestDatabase } from './app.js';
import { requireCurrentDist, startProcess, type TaskFlowProcess } from './dist.js';
import { publicKeys } from './keys.js';
import { startNginx, UNLIMITED } from './nginx.js';
import { freePort, startRedis } from './redis-server.js';

/** Five processes, one for each module, on one MongoDB and one Redis, behind nginx. */
export interface Split {
  /** nginx, as clients see it. */
  readonly url: string;
  readonly mongoUri: string;
  readonly processes: Readonly<Record<ModuleName, TaskFlowProcess>>;
  /** Starts the module again where it was; one that runs is killed before. */
  restart(module: ModuleName, environment?: Record<string, string>): Promise<void>;
  stop(): Promise<void>;
}

/** @param environment the same for all */
export async function startSplit(jwtKey = generateJwtKey(), environment: Record<string, string> = {}): Promise<Split> {
  requireCurrentDist();
  const [database, redis] = await Promise.all([startTestDatabase(), startRedis()]);
  const ports = new Map<ModuleName, number>();
  for (const module of MODULE_NAMES) ports.set(module, await freePort());
  const address = (module: ModuleName): string => `http://127.0.0.1:${ports.get(module)}`;
  const jwks = { JWT_JWKS_URL: `${address('auth')}/.well-known/jwks.json` };
  const keys: Record<ModuleName, Record<string, string>> = {
    auth: { JWT_KEYS: jwtKey },
    users: jwks,
    tasks: jwks,
    notifications: jwks,
    admin: { JWT_PUBLIC_KEYS: publicKeys(jwtKey) },
  };
  const start = (module: ModuleName, more: Record<string, string> = {}): Promise<TaskFlowProcess> =>
    startProcess({
      MODULES: module,
      PORT: String(ports.get(module)),
      HOST: '127.0.0.1',
      MONGODB_URI: database.uri,
      REDIS_URL: redis.url,
      SECRET_KEY: 'a test key that all processes of the split share',
      TRUST_PROXY: '1',
      ...keys[module],
      ...environment,
      ...more,
    });
  const processes = {} as Record<ModuleName, TaskFlowProcess>;
  // The others fetch their keys from it; they would come without it, and be ready later.
  for (const module of MODULE_NAMES) processes[module] = await start(module);
  const upstreams = Object.fromEntries(MODULE_NAMES.map((module) => [module, [address(module)]]));
  const nginx = await startNginx({ config: 'nginx.split.conf', upstreams, changes: [UNLIMITED] });
  return {
    url: nginx.url,
    mongoUri: database.uri,
    processes,
    async restart(module, more) {
      await processes[module].end('SIGKILL');
      processes[module] = await start(module, more);
    },
    async stop() {
      await nginx.stop();
      await Promise.all(Object.values(processes).map((process) => process.end('SIGKILL')));
      await redis.stop();
      await database.close();
    },
  };
}
