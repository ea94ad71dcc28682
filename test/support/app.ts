import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import mongoose from 'mongoose';
import request from 'supertest';
import { createApp } from '../../src/app.setup.js';
import { AppConfig, loadConfig } from '../../src/config/config.js';
import { generateJwtKey } from '../../src/config/keys.js';
import { MongoServer } from '../../src/embedded/mongo/index.js';
import { startSplitApp } from './split-app.js';

/**
 * The whole application on a port of its own, over the embedded server in this thread or over `MONGODB_URI`; in
 * `npm run test:split` four that serve a module each.
 */
export interface TestApp {
  readonly app: NestFastifyApplication;
  /** It, or in `npm run test:split` one for each module. */
  readonly apps: readonly NestFastifyApplication[];
  readonly config: AppConfig;
  /** Address of the database this application uses, in a database of its own. */
  readonly mongoUri: string;
  /** `http://127.0.0.1:<port>` */
  readonly url: string;
  /** supertest on the running application. */
  readonly http: ReturnType<typeof request>;
  close(): Promise<void>;
}

const jwtKeys = generateJwtKey();
/** Mails go there where a test has no SMTP server. */
const dataDir = mkdtempSync(join(tmpdir(), 'taskflow-test-'));
afterAll(() => rmSync(dataDir, { recursive: true, force: true }));

/** What tests run with, and what differs in one of them. */
export const testSettings = (mongoUri: string, environment: Record<string, string>): Record<string, string> => ({
  NODE_ENV: 'test',
  PORT: '0',
  HOST: '127.0.0.1',
  LOG_LEVEL: process.env['TEST_LOG'] ?? 'silent',
  // Also where a test is about production.
  MIGRATE_AT_START: 'true',
  MONGODB_URI: mongoUri,
  DATA_DIR: dataDir,
  JWT_KEYS: jwtKeys,
  SECRET_KEY: 'a test key that signs the cursors of one run only',
  // What a test loads for the first time, a mail program for example, may block its process for a while; and of equal
  // inserts that race on DocumentDB each may wait for another, which PostgreSQL ends after a second, one at a time.
  REQUEST_TIMEOUT_MS: '20000',
  MONGODB_SERVER_SELECTION_TIMEOUT_MS: '20000',
  MONGODB_SOCKET_TIMEOUT_MS: '20000',
  RATE_LIMIT_PER_MINUTE: '1000000',
  LOGIN_RATE_LIMIT_PER_15MIN: '100000',
  ...environment,
});

/** In a path no proxy passes it on: 400 is nginx' answer, which the processes never see. */
export const NUL_IN_PATH = process.env['TEST_SPLIT'] ? [] : ['%00'];

/** A database name that no other run uses. */
const freshName = (): string => `taskflow_test_${randomBytes(6).toString('hex')}`;

/**
 * @param environment what differs from `testSettings`; with `MONGODB_URI` the application uses that database, which
 *   then is somebody else's to remove
 */
export async function startTestApp(environment: Record<string, string> = {}): Promise<TestApp> {
  const database = environment['MONGODB_URI'] ? { uri: environment['MONGODB_URI'] } : await startTestDatabase();
  const mongoUri = database.uri;
  const settings = testSettings(mongoUri, environment);
  const config = loadConfig(settings);
  const redisUrl = process.env['TEST_SPLIT'];
  const { app, apps, url } = redisUrl
    ? await startSplitApp(settings, mongoUri, redisUrl)
    : await startOneApp(config, mongoUri);
  return {
    app,
    apps,
    config,
    mongoUri,
    url,
    http: request(url),
    async close() {
      await app.close();
      if ('close' in database) await database.close();
    },
  };
}

async function startOneApp(config: AppConfig, mongoUri: string): Promise<Pick<TestApp, 'app' | 'apps' | 'url'>> {
  const app = await createApp(config, mongoUri);
  await app.listen(0, '127.0.0.1');
  return { app, apps: [app], url: await app.getUrl() };
}

/** An empty database: on the embedded server in this thread, or on `MONGODB_URI` where that is set. */
export async function startTestDatabase(): Promise<{ uri: string; close(): Promise<void> }> {
  const server = process.env['MONGODB_URI'] ? undefined : await MongoServer.open({});
  const address = new URL(process.env['MONGODB_URI'] ?? server!.uri);
  address.pathname = `/${freshName()}`;
  const uri = address.toString();
  return { uri, close: () => (server ? server.close() : dropDatabase(uri)) };
}

async function dropDatabase(uri: string): Promise<void> {
  const connection = await mongoose.createConnection(uri).asPromise();
  await connection.dropDatabase();
  await connection.close();
}
