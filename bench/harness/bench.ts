import { createPrivateKey, createPublicKey, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PreparedAnswers } from '../peers/settings.js';
import type { Effort } from './compare.js';
import { Load } from './load.js';
import { get } from './shots.js';
import { startStores, type Stores } from './stores.js';
import { startSubject, type Subject, type SubjectOptions } from './subject.js';
import { generateJwtKey, HMAC_SECRET, makeWorld, type BenchUser, type World, type WorldSize } from './world.js';

/** `bare-1` to `bare-5` are R1 to R5; `bare-6` is R1 with a connection to each store. */
export type Peer = 'bare-1' | 'bare-2' | 'bare-3' | 'bare-4' | 'bare-5' | 'bare-6' | 'argon2' | 'nest' | 'express';

/** A row of the result. */
export interface Row {
  readonly workload: string;
  readonly against: string;
  /** What is compared: `CPU/request`, `ms p99`, … */
  readonly unit: string;
  /** 1 is as good as the reference, more is better; where `lowerIsBetter`, the other way round. */
  readonly ratio: number;
  readonly spread: number;
  readonly accept?: number;
  readonly target?: number;
  readonly lowerIsBetter?: boolean;
  /** The measured values behind the ratio. */
  readonly values: Readonly<Record<string, number>>;
}

/** Stores, people and TaskFlow itself; peers are started when a row asks for them. */
export class Bench {
  private readonly peers = new Map<Peer, Promise<Subject>>();

  private constructor(
    readonly stores: Stores,
    readonly world: World,
    readonly taskflow: Subject,
    /** What TaskFlow answers to each user, for as long as nothing is written. */
    readonly answers: ReadonlyMap<BenchUser, PreparedAnswers>,
    readonly effort: Effort,
    private readonly directory: string,
  ) {}

  static async open(size: WorldSize, effort: Effort, progress: (what: string) => void): Promise<Bench> {
    progress('starting the stores');
    const stores = await startStores();
    const jwtKeys = generateJwtKey();
    const taskflow = await startTaskFlow(stores, jwtKeys);
    progress(`${size.users} people with ${size.tasksEach} tasks each`);
    const world = await makeWorld(stores.mongoUri, jwtKeys, size);
    progress('asking for every answer once');
    const answers = await allAnswers(taskflow, world);
    const directory = mkdtempSync(join(tmpdir(), 'taskflow-bench-'));
    writeFileSync(join(directory, 'answers.json'), JSON.stringify([...answers.values()]));
    return new Bench(stores, world, taskflow, answers, effort, directory);
  }

  peer(name: Peer): Promise<Subject> {
    let peer = this.peers.get(name);
    if (!peer) this.peers.set(name, (peer = this.startPeer(name)));
    return peer;
  }

  /** A peer that is not shared: for rows that measure the start, or idle connections. */
  startPeer(name: Peer, options: SubjectOptions = {}): Promise<Subject> {
    const [script, level] = name.split('-') as [string, string | undefined];
    const environment = {
      MONGODB_URI: this.stores.mongoUri,
      REDIS_URL: this.stores.redisUrl,
      PUBLIC_KEY: publicKeyOf(this.world.jwtKeys),
      HMAC_SECRET,
      ANSWERS: join(this.directory, 'answers.json'),
    };
    return startSubject(name, join(import.meta.dirname, '..', 'peers', `${script}.js`), {
      environment,
      args: level ? [level] : [],
      ...options,
    });
  }

  startTaskFlow(environment: Record<string, string> = {}): Promise<Subject> {
    return startTaskFlow(this.stores, this.world.jwtKeys, environment);
  }

  async close(): Promise<void> {
    for (const peer of await Promise.allSettled(this.peers.values())) {
      if (peer.status === 'fulfilled') await peer.value.stop();
    }
    await this.taskflow.stop();
    await this.stores.stop();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** In production mode with every guard, limit, log line and metric; only the limits are too high to be reached. */
function startTaskFlow(stores: Stores, jwtKeys: string, environment: Record<string, string> = {}): Promise<Subject> {
  return startSubject('TaskFlow', join(import.meta.dirname, '../../../../dist/main.js'), {
    environment: {
      PORT: '0',
      HOST: '127.0.0.1',
      MONGODB_URI: stores.mongoUri,
      REDIS_URL: stores.redisUrl,
      JWT_KEYS: jwtKeys,
      SECRET_KEY: randomBytes(32).toString('base64url'),
      METRICS_TOKEN: randomBytes(32).toString('base64url'),
      RATE_LIMIT_PER_MINUTE: '1000000',
      LOGIN_RATE_LIMIT_PER_15MIN: '1000000',
      ...environment,
    },
  });
}

async function allAnswers(taskflow: Subject, world: World): Promise<Map<BenchUser, PreparedAnswers>> {
  const load = new Load(taskflow.url);
  const answers = new Map<BenchUser, PreparedAnswers>();
  const waiting = [...world.users];
  const lane = async (): Promise<void> => {
    for (let user = waiting.pop(); user; user = waiting.pop()) {
      const [stats, profile] = [await load.send(get('/tasks/stats', user)), await load.send(get('/users/me', user))];
      if (stats.status !== 200 || profile.status !== 200) throw new Error(`TaskFlow answers ${stats.body.toString()}`);
      answers.set(user, {
        token: user.token,
        userId: user.id,
        stats: stats.body.toString(),
        profile: profile.body.toString(),
      });
    }
  };
  await Promise.all(Array.from({ length: 16 }, lane));
  await load.close();
  return answers;
}

function publicKeyOf(jwtKeys: string): string {
  const key = Buffer.from(jwtKeys.split(':')[1]!, 'base64url');
  const privateKey = createPrivateKey({ key, format: 'der', type: 'pkcs8' });
  return createPublicKey(privateKey).export({ format: 'pem', type: 'spki' }).toString();
}
