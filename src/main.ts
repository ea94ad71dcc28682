import { createApp } from './app.setup.js';
import { loadConfig, type AppConfig } from './config/config.js';
import { ConfigError } from './config/environment.js';
import { DatabaseReadiness } from './core/mongo/database-readiness.js';
import { UsersService } from './modules/users/index.js';
import { startMongoWorker, type MongoWorker } from './embedded/mongo/index.js';
import { Shutdown } from './shutdown.js';
import { existsSync } from 'node:fs';

/** The process: configuration, stores, application, listen. `ROLE` says what it does. */
async function main(): Promise<void> {
  const shutdown = new Shutdown();
  if (existsSync('.env')) process.loadEnvFile('.env');
  const config = loadConfig();
  const embedded = config.mongo.uri ? undefined : await openEmbedded(config.dataDir);
  const app = await createApp(config, config.mongo.uri ?? embedded!.uri);

  shutdown.finish({
    app,
    drainMs: config.drainSeconds * 1000,
    closeLast: async () => embedded?.close(),
  });
  await app.listen(config.port, config.host);
  announce(config, await app.getUrl());
  // For whoever started it and waits (PM2's `wait_ready`).
  void app
    .get(DatabaseReadiness)
    .whenReady()
    .then(() => process.send?.('ready'));
  if (config.role === 'worker') return;
  const admins = await app
    .get(UsersService)
    .countActiveAdmins()
    .catch(() => undefined);
  if (admins === 0) console.log(FIRST_ADMIN);
}

const FIRST_ADMIN = `There is no admin yet. To make one, start once with BOOTSTRAP_ADMIN_EMAIL and BOOTSTRAP_ADMIN_PASSWORD set:
  BOOTSTRAP_ADMIN_EMAIL=you@example.com BOOTSTRAP_ADMIN_PASSWORD='…' npm start
`;

/** @throws ConfigError with the sentence for the person who started it: held by another process, damaged, disk full */
async function openEmbedded(directory: string): Promise<MongoWorker> {
  const store = await startMongoWorker({ directory, warn: console.warn }).catch((error: Error) => {
    throw new ConfigError(`DATA_DIR: ${error.message}`);
  });
  store.onExit((error) => {
    console.error(`The embedded store ended: ${error.message}`);
    process.exit(1);
  });
  return store;
}

/** What a person wants to know after typing `npm start`. */
function announce(config: AppConfig, listening: string): void {
  const url = listening.replace('//[::1]', '//localhost').replace('//127.0.0.1', '//localhost');
  const where = config.mode === 'embedded' ? `embedded store in ${config.dataDir}` : 'MongoDB';
  if (config.role === 'worker') {
    console.log(`\nA TaskFlow worker is running (${where})\n  Health  ${url}/api/health\n`);
    return;
  }
  console.log(`\nTaskFlow is running (${where})\n  API   ${url}/api/v1\n  Docs  ${url}/api/docs\n`);
}

main().catch((error: unknown) => {
  const message = error instanceof Error ? error.message : String(error);
  console.error(error instanceof ConfigError ? `TaskFlow cannot start.\n${message}` : error);
  process.exit(1);
});
