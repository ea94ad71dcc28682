import type { LoggedEvent } from '../../../core/events/event-transport.js';
import { frame } from '../../../core/http/event-stream.js';

/**
 * The events that clients are told, each with the facts that go with it. What does not stand here is for the program
 * alone: events of accounts and sessions name sessions, tokens, addresses and admins.
 */
export const CLIENT_EVENTS: Readonly<Record<string, readonly string[]>> = {
  'task.created': ['taskId'],
  'task.updated': ['taskId', 'fields'],
  'task.completed': ['taskId'],
  'task.deleted': ['taskId'],
  'task.restored': ['taskId'],
  'task.removed': ['taskId'],
  'task.deadline.approaching': ['taskId', 'dueDate', 'minutesBefore'],
  'task.overdue': ['taskId', 'dueDate'],
};

/** What a client is sent of an event; undefined when it is none of a client's business. */
export function clientFrame({ id, seq, name, at, facts }: LoggedEvent): string | undefined {
  if (!Object.hasOwn(CLIENT_EVENTS, name)) return undefined;
  const told = Object.fromEntries(CLIENT_EVENTS[name]!.map((fact) => [fact, facts[fact]]));
  return frame(seq, name, JSON.stringify({ id, name, at, ...told }));
}

/** What the OpenAPI document says about the stream. */
export const STREAM_DESCRIPTION = `
Server-sent events: the connection stays open, and each change of your tasks is told on it within a second, once and in
order, whichever device made it. \`data\` is JSON: \`id\` of the event, \`name\`, \`at\`, and what belongs to it:

${Object.entries(CLIENT_EVENTS)
  .map(([name, facts]) => `- \`${name}\`: ${facts.map((fact) => `\`${fact}\``).join(', ')}`)
  .join('\n')}

The first event is \`ready\`: from its \`id\` on you hear of everything. Come back with the last \`id\` you saw
(\`Last-Event-ID\`, or \`lastEventId\` in the query) and what happened since comes first. If that is more than 24 hours, the
first event is \`reset\` instead: load everything again.

A comment comes at least every 15 seconds. The stream ends when the token expires or is revoked, when the server stops, and
when you do not read for 10 seconds: come back after \`retry\` milliseconds, with a fresh token. A browser's own
\`EventSource\` cannot send a token; use \`fetch\`, or a client made with it. Ten streams of a user can be open at once.
`.trim();
