// @ts-check
// Fills the store that `npm start` uses with people and their tasks: npm run seed -- --users 20 --tasks 2000
import { existsSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { Faker, en } from '@faker-js/faker';
import cliProgress from 'cli-progress';
import { madeUpTask } from './seed-data.mjs';

const PASSWORD = 'correct horse battery';
const CHUNK = 100;
const USAGE = 'npm run seed -- [--users 20] [--tasks 2000] [--seed <number>]';

/** What a person did wrong or can do something about: printed without a stack. */
class Refusal extends Error {}

/** @param {string[]} args */
function readOptions(args) {
  const number = { type: /** @type {const} */ ('string') };
  try {
    const { values } = parseArgs({ args, options: { users: number, tasks: number, seed: number } });
    return {
      users: wholeNumber('--users', values.users ?? '20', 1, 10_000),
      tasks: wholeNumber('--tasks', values.tasks ?? '2000', 0, 1_000_000),
      seed: wholeNumber('--seed', values.seed ?? String(Date.now() % 1_000_000), 0, 2 ** 31),
    };
  } catch (error) {
    if (error instanceof Refusal) throw error;
    const [sentence] = /** @type {Error} */ (error).message.split(/(?<=[^.])\. |\n/);
    throw new Refusal(`${sentence?.replace(/\.$/, '')}. Usage: ${USAGE}`);
  }
}

/**
 * @param {string} name
 * @param {string} text
 * @param {number} min
 * @param {number} max
 */
function wholeNumber(name, text, min, max) {
  const number = /^\d{1,10}$/.test(text) ? Number(text) : NaN;
  if (number >= min && number <= max) return number;
  throw new Refusal(`${name} must be a whole number from ${min} to ${max}. Usage: ${USAGE}`);
}

/**
 * The store of `npm start`; while a server runs, that server's.
 * @param {import('../src/config/config.js').AppConfig} config
 */
async function openStore(config) {
  if (config.mongo.uri) return { uri: config.mongo.uri, place: 'MongoDB', close: async () => {} };
  const { startMongoWorker, DirectoryLocked } = await import('../dist/embedded/mongo/index.js');
  try {
    const store = await startMongoWorker({ directory: config.dataDir, warn: console.warn });
    return { uri: store.uri, place: config.dataDir, close: () => store.close() };
  } catch (error) {
    if (!(error instanceof DirectoryLocked) || !error.uri) throw error;
    return { uri: error.uri, place: 'the running server', close: async () => {} };
  }
}

/** The application without HTTP. */
async function openApplication() {
  const { createApp } = await import('../dist/app.setup.js');
  const { loadConfig } = await import('../dist/config/config.js');
  const { DatabaseReadiness } = await import('../dist/core/mongo/database-readiness.js');
  if (existsSync('.env')) process.loadEnvFile('.env');
  const config = loadConfig({ ...process.env, LOG_LEVEL: process.env['LOG_LEVEL'] || 'error' });
  if (config.production) throw new Refusal('Seeding makes accounts with a known password: not in production.');
  const store = await openStore(config);
  const app = await createApp(config, store.uri);
  await app.init();
  const close = async () => {
    await app.close();
    await store.close();
  };
  if (!app.get(DatabaseReadiness).isReady) {
    await close();
    throw new Refusal('The database does not answer.');
  }
  return { app, close, place: store.place };
}

/** @param {{ users: number, tasks: number, seed: number }} options */
async function seed(options) {
  const { app, close, place } = await openApplication();
  const { UsersService } = await import('../dist/modules/users/index.js');
  const { TasksService } = await import('../dist/modules/tasks/index.js');
  const { Passwords } = await import('../dist/modules/auth/index.js');
  const [users, tasks] = [app.get(UsersService), app.get(TasksService)];
  const bar = new cliProgress.SingleBar(
    { format: 'Seeding {bar} {percentage}% | {value}/{total} | {what}', hideCursor: true, noTTYOutput: false },
    cliProgress.Presets.shades_classic,
  );
  try {
    bar.start(options.users + options.tasks, 0, { what: 'users' });
    const passwordHash = await app.get(Passwords).hash(PASSWORD);
    const people = new Faker({ locale: en, seed: 1 });
    const owners = [];
    let created = 0;
    for (let number = 1; number <= options.users; number++) {
      const [email, name] = [`user${number}@seed.example`, people.person.fullName()];
      const known = await users.findByEmail(email);
      if (!known) created++;
      owners.push((known ?? (await users.register({ email, name, passwordHash }))).id);
      bar.increment(1, { what: 'users' });
    }
    await seedTasks(tasks, owners, options, (count) => bar.increment(count, { what: 'tasks' }));
    bar.stop();
    console.log(summary(options, created, place));
  } finally {
    bar.stop();
    await close();
  }
}

/**
 * Some have long lists and some have short ones; the sum is what was asked for.
 * @param {import('../src/modules/tasks/index.js').TasksService} tasks
 * @param {string[]} owners
 * @param {{ tasks: number, seed: number }} options
 * @param {(count: number) => void} progress
 */
async function seedTasks(tasks, owners, options, progress) {
  const faker = new Faker({ locale: en, seed: options.seed });
  const now = new Date();
  const shares = owners.map(() => faker.number.float({ min: 0.3, max: 1.7 }));
  const whole = shares.reduce((sum, share) => sum + share, 0);
  let [given, made] = [0, 0];
  for (const [index, owner] of owners.entries()) {
    given += shares[index] ?? 0;
    const until = index === owners.length - 1 ? options.tasks : Math.round((options.tasks * given) / whole);
    while (made < until) {
      const count = Math.min(CHUNK, until - made);
      await tasks.importTasks(
        owner,
        Array.from({ length: count }, () => madeUpTask(faker, now)),
      );
      made += count;
      progress(count);
    }
  }
}

/**
 * @param {{ users: number, tasks: number, seed: number }} options
 * @param {number} created
 * @param {string} place
 */
function summary({ users, tasks, seed: number }, created, place) {
  const known = users - created;
  return `
${created} users made${known ? `, ${known} were there already` : ''}; ${tasks} tasks added, in ${place} (--seed ${number}).
Sign in as user1@seed.example with the password: ${PASSWORD}
`;
}

try {
  await seed(readOptions(process.argv.slice(2)));
} catch (error) {
  const { expected, message, name } = /** @type {Error & { expected?: boolean }} */ (error);
  const isPlain = error instanceof Refusal || expected || name === 'ConfigError';
  console.error(isPlain ? message : error);
  process.exitCode = 1;
}
