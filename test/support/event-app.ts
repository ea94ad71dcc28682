import { createApp } from '../../src/app.setup.js';
import { loadConfig } from '../../src/config/config.js';
import { generateJwtKey } from '../../src/config/keys.js';
import { EventHandlers } from '../../src/core/events/event-handlers.js';
import { EventTransport, type LoggedEvent, type Subscription } from '../../src/core/events/event-transport.js';
import type { TestApp } from './app.js';

const jwtKeys = generateJwtKey();

/** What a test's group has been given, in that order; `refuse` may throw. */
export interface Group extends Subscription {
  readonly seen: LoggedEvent[];
  refuse: (event: LoggedEvent) => void | Promise<void>;
}

export function groupOf(group: string, ...names: string[]): Group {
  const seen: LoggedEvent[] = [];
  const one: Group = {
    group,
    module: 'tasks',
    names,
    seen,
    refuse: () => undefined,
    async handle(event) {
      seen.push(event);
      await one.refuse(event);
    },
  };
  return one;
}

/** The application with groups of the test's own, which wait only milliseconds after a failure. */
export async function startEventApp(
  mongoUri: string,
  groups: readonly Group[],
  environment: Record<string, string> = {},
): Promise<Pick<TestApp, 'app' | 'url'>> {
  const config = loadConfig({
    NODE_ENV: 'test',
    LOG_LEVEL: process.env['TEST_LOG'] ?? 'silent',
    MONGODB_URI: mongoUri,
    JWT_KEYS: jwtKeys,
    SECRET_KEY: 'a test key that signs the cursors of one run only',
    RATE_LIMIT_PER_MINUTE: '1000000',
    LOGIN_RATE_LIMIT_PER_15MIN: '100000',
    ...environment,
  });
  const app = await createApp(config, mongoUri);
  for (const group of groups) app.get(EventTransport).subscribe(group);
  jest.spyOn(app.get(EventHandlers), 'pauseAfter').mockReturnValue(20);
  await app.listen(0, '127.0.0.1');
  return { app, url: await app.getUrl() };
}
