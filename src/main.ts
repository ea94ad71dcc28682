import { createApp } from './app.setup.js';
import { loadConfig, type AppConfig } from './config/config.js';
import { ConfigError } from './config/environment.js';
import { DatabaseReadiness } from './core/mongo/database-readiness.js';
import { startMongoWorker } from './embedded/mongo/index.js';
import { existsSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

/** The API process: configuration, stores, application, listen; on SIGTERM not ready, drain, close. */
async function main(): Promise<void> {
  if (existsSync('.env')) process.loadEnvFile('.env');
  const config = loadConfig();
  const embedded = config.mongo.uri
    ? undefined
    : await startMongoWorker({ directory: config.dataDir, warn: console.warn });
  const app = await createApp(config, config.mongo.uri ?? embedded!.uri);

  let stopping = false;
  const stop = async (): Promise<void> => {
    if (stopping) return;
    stopping = true;
    app.get(DatabaseReadiness).stopAccepting();
    await delay(config.drainSeconds * 1000);
    await app.close();
    await embedded?.close();
    process.exit(0);
  };
  process.on('SIGTERM', () => void stop());
  process.on('SIGINT', () => void stop());

  await app.listen(config.port, config.host);
  announce(config, await app.getUrl());
}

/** What a person wants to know after typing `npm start`. */
function announce(config: AppConfig, listening: string): void {
  const url = listening.replace('//[::1]', '//localhost').replace('//127.0.0.1', '//localhost');
  const where = config.mode === 'embedded' ? `embedded store in ${config.dataDir}` : 'MongoDB';
  console.log(`\nTaskFlow is running (${where})\n  API   ${url}/api/v1\n  Docs  ${url}/api/docs\n`);
}

main().catch((error: unknown) => {
  const message = error instanceof Error ? error.message : String(error);
  const expected = error instanceof ConfigError || (error as { expected?: boolean }).expected;
  console.error(expected ? `TaskFlow cannot start.\n${message}` : error);
  process.exit(1);
});
