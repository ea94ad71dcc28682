import { existsSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { loadMongoUri } from './config/config.js';
import { Migrations } from './core/mongo/migrations.js';
import { MIGRATIONS } from './migrations/index.js';
import { indexDifference } from './migrations/index-difference.js';

const USAGE = `npm run migrate [-- --dry-run | --status]
  applies what is pending, in order; waits while another process does
  --dry-run   says which steps it would take
  --status    says what the database has; ends with 2 when something is pending`;

/** The program that brings a database to this release, before its processes start. Needs MONGODB_URI and no key. */
async function main(): Promise<void> {
  if (existsSync('.env')) process.loadEnvFile('.env');
  const flag = { type: 'boolean' } as const;
  const { values } = parseArgs({ options: { status: flag, 'dry-run': flag, help: flag } });
  if (values.help) return console.log(USAGE);
  const uri = loadMongoUri();
  const command = values.status ? status : values['dry-run'] ? dryRun : apply;
  await Migrations.at(uri, MIGRATIONS, console.log, async (migrations, connection) => {
    await command(migrations);
    if (command === status) for (const line of await indexDifference(connection)) console.log(line);
  });
}

async function apply(migrations: Migrations): Promise<void> {
  const names = await migrations.apply();
  if (names.length === 0) console.log('nothing to do');
}

async function dryRun(migrations: Migrations): Promise<void> {
  const pending = await migrations.pending();
  if (pending.length === 0) console.log('nothing to do');
  for (const { name, steps } of pending) {
    console.log(`would apply ${name}`);
    for (const { does } of steps) console.log(`  ${does}`);
  }
}

async function status(migrations: Migrations): Promise<void> {
  for (const { name, state, at } of await migrations.states()) {
    console.log(`${state.padEnd(9)} ${name}${at ? ` ${at.toISOString()}` : ''}`);
    if (state === 'pending') process.exitCode = 2;
  }
}

main().catch((error: unknown) => {
  console.error(`TaskFlow cannot migrate.\n${(error as Error).message}`);
  process.exitCode = 1;
});
