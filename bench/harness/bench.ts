import { spawnSync } from 'node:child_process';
import { createPrivateKey, createPublicKey, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ADMIN_STATS, PROFILE, STATS, type PreparedAnswer, type PreparedUser } from '../peers/settings.js';
import type { Effort } from './compare.js';
import { Load, untilValid } from './load.js';
import { get, status } from './shots.js';
import { startStores, type Stores } from './stores.js';
import { OTHER_CPU, startSubject, type Subject, type SubjectOptions } from './subject.js';
import { buildWithoutEvents } from './without-events.js';
import { generateJwtKey, HMAC_SECRET, makeWorld, type BenchUser, type World, type WorldSize } from './world.js';

/** A script in `peers/`, and behind the colon what it is told to be. */
export type Peer =
  | `bare:${'R1' | 'R2' | 'R3' | 'R3-fields' | 'R3-sessions' | 'R4' | 'R5' | 'connected'}`
  | 'argon2'
  | 'nest'
  | 'express';

const ROOT = join(import.meta.dirname, '../../../..');
const DIST = join(ROOT, 'dist');

/** Stores, people and TaskFlow itself; peers are started when a row asks for them. */
export class Bench {
  private readonly peers = new Map<Peer, Promise<Subject>>();
  private readonly made = new Map<string, Promise<unknown>>();
  private readonly directory = mkdtempSync(join(tmpdir(), 'taskflow-bench-'));
  private readonly answers = new Map<BenchUser, Record<string, PreparedAnswer>>();
  taskflow!: Subject;
  worker!: Subject;

  private constructor(
    readonly stores: Stores,
    readonly world: World,
    readonly effort: Effort,
    /** The same for all processes of a run, so that they can be a fleet. */
    private readonly secretKey: string,
  ) {}

  static async open(size: WorldSize, effort: Effort, progress: (what: string) => void): Promise<Bench> {
    progress('starting the stores');
    const stores = await startStores();
    const jwtKeys = generateJwtKey();
    migrate(stores.mongoUri);
    progress(`${size.users} people with ${size.tasksEach} tasks each`);
    const world = await makeWorld(stores.mongoUri, jwtKeys, size);
    const bench = new Bench(stores, world, effort, randomBytes(32).toString('base64url'));
    bench.taskflow = await bench.startTaskFlow();
    bench.worker = await bench.startWorker();
    progress('asking for every answer once');
    await untilValid(() => bench.ask());
    return bench;
  }

  peer(name: Peer): Promise<Subject> {
    let peer = this.peers.get(name);
    if (!peer) this.peers.set(name, (peer = this.startPeer(name)));
    return peer;
  }

  /** What several rows want, or one that is measured a second time. */
  once<T>(name: string, make: () => Promise<T>): Promise<T> {
    if (!this.made.has(name)) this.made.set(name, make());
    return this.made.get(name) as Promise<T>;
  }

  /** A peer that is not shared: for rows that measure the start, or idle connections, or write. */
  startPeer(name: Peer, options: SubjectOptions = {}): Promise<Subject> {
    const [script, kind] = name.split(':') as [string, string | undefined];
    return startSubject(name, join(import.meta.dirname, '..', 'peers', `${script}.js`), {
      ...options,
      environment: {
        MONGODB_URI: this.stores.mongoUri,
        REDIS_URL: this.stores.redisUrl,
        HMAC_SECRET,
        ANSWERS: join(this.directory, 'answers.json'),
        ...keyPair(this.world.jwtKeys),
        ...options.environment,
      },
      args: kind ? [kind] : [],
    });
  }

  /**
   * In production mode with every guard, limit, log line and metric; only the limits are too high to be reached. What
   * follows from a write is done by a worker on the other core, as compose and k8s/ have it.
   */
  async startTaskFlow(environment: Record<string, string> = {}, build = DIST): Promise<Subject> {
    return startSubject('TaskFlow', join(build, 'main.js'), {
      environment: {
        ...this.commonEnvironment(),
        ROLE: 'api',
        JWT_KEYS: this.world.jwtKeys,
        RATE_LIMIT_PER_MINUTE: '1000000',
        LOGIN_RATE_LIMIT_PER_15MIN: '1000000',
        ...environment,
      },
    });
  }

  /** The same program, but its tasks tell of no change. */
  startWithoutEvents(): Promise<Subject> {
    return this.startTaskFlow({}, buildWithoutEvents(ROOT, mkdtempSync(join(this.directory, 'without-events-'))));
  }

  private startWorker(): Promise<Subject> {
    const environment = { ...this.commonEnvironment(), DATA_DIR: this.directory };
    return startSubject('the worker', join(DIST, 'worker.js'), { cpu: OTHER_CPU, environment });
  }

  private commonEnvironment(): Record<string, string> {
    return {
      PORT: '0',
      HOST: '127.0.0.1',
      MONGODB_URI: this.stores.mongoUri,
      REDIS_URL: this.stores.redisUrl,
      SECRET_KEY: this.secretKey,
      METRICS_TOKEN: randomBytes(32).toString('base64url'),
    };
  }

  /** What TaskFlow answers to this user, for as long as nothing is written. */
  answer(user: BenchUser, path: string): PreparedAnswer {
    return this.answers.get(user)![path]!;
  }

  /** Other processes of the same programs: two of them may differ by a fifth for as long as they live. */
  async renew(): Promise<void> {
    await Promise.all([this.taskflow.stop(), this.stopPeers()]);
    this.taskflow = await this.startTaskFlow();
  }

  async close(): Promise<void> {
    await Promise.all([this.taskflow.stop(), this.worker.stop(), this.stopPeers()]);
    await this.stores.stop();
    rmSync(this.directory, { recursive: true, force: true });
  }

  private async stopPeers(): Promise<void> {
    for (const peer of await Promise.allSettled(this.peers.values())) {
      if (peer.status === 'fulfilled') await peer.value.stop();
    }
    this.peers.clear();
  }

  private async ask(): Promise<void> {
    const { users, admin } = this.world;
    const load = new Load(this.taskflow.url, 4);
    const shots = [
      ...users.map((user) => [user, STATS, PROFILE] as const),
      [admin, STATS, PROFILE, ADMIN_STATS] as const,
    ];
    await load.once(
      shots.flatMap(([user, ...paths]) => {
        const own: Record<string, PreparedAnswer> = {};
        this.answers.set(user, own);
        return paths.map(
          (path) =>
            ({
              ...get(path, user),
              verify: (answer) => {
                own[path] = { body: answer.body.toString(), tag: answer.header('etag') ?? '' };
                return status(200)(answer);
              },
            }) satisfies ReturnType<typeof get>,
        );
      }),
    );
    load.close();
    const prepared: PreparedUser[] = [...this.answers].map(([{ token, id }, answers]) => ({
      token,
      userId: id,
      answers,
    }));
    writeFileSync(join(this.directory, 'answers.json'), JSON.stringify(prepared));
  }
}

/** As a release does it, before its processes start. */
function migrate(mongoUri: string): void {
  const { status: code, stderr } = spawnSync(process.execPath, [join(DIST, 'migrate.js')], {
    env: { PATH: process.env['PATH'], MONGODB_URI: mongoUri },
    encoding: 'utf8',
    cwd: tmpdir(),
  });
  if (code !== 0) throw new Error(`TaskFlow does not migrate: ${stderr}`);
}

function keyPair(jwtKeys: string): { PRIVATE_KEY: string; PUBLIC_KEY: string } {
  const key = Buffer.from(jwtKeys.split(':')[1]!, 'base64url');
  const privateKey = createPrivateKey({ key, format: 'der', type: 'pkcs8' });
  return {
    PRIVATE_KEY: privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(),
    PUBLIC_KEY: createPublicKey(privateKey).export({ format: 'pem', type: 'spki' }).toString(),
  };
}
