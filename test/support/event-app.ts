import { createApp } from '../../src/app.setup.js';
import { loadConfig } from '../../src/config/config.js';
import { EventHandlers } from '../../src/core/events/event-handlers.js';
import { EventTransport, type LoggedEvent, type Subscription } from '../../src/core/events/event-transport.js';
import { testSettings, type TestApp } from './app.js';

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
  const config = loadConfig(testSettings(mongoUri, environment));
  const app = await createApp(config, mongoUri);
  for (const group of groups) app.get(EventTransport).subscribe(group);
  jest.spyOn(app.get(EventHandlers), 'pauseAfter').mockReturnValue(20);
  await app.listen(0, '127.0.0.1');
  return { app, url: await app.getUrl() };
}
