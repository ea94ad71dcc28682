import type { Operation } from './operation.js';
import type { OperationFacts } from './operation-facts.js';

type Described = { description: string; headers?: Record<string, unknown>; content?: unknown };

const header = (description: string, example?: string): unknown => ({
  description,
  schema: { type: 'string', ...(example ? { example } : {}) },
});

const IF_NONE_MATCH = {
  name: 'If-None-Match',
  in: 'header',
  required: false,
  description: 'An `ETag` you have: while it is current the answer is 304 without a body.',
  schema: { type: 'string' },
};

const TEXTS: Readonly<Record<string, string>> = {
  200: 'Done.',
  201: 'Created.',
  202: 'Accepted.',
  204: 'Done; there is nothing to say.',
};

/** What goes on has no state that a tag could name. */
const isStream = ({ responses }: Operation): boolean =>
  JSON.stringify(responses['200'] ?? {}).includes('text/event-stream');

/** Adds to the answers of an operation the header fields and conditional answers that its decorators give it. */
export function describeSuccess(operation: Operation, method: string, facts: OperationFacts): void {
  const isUserData = method === 'get' && !facts.isPublic && !isStream(operation);
  for (const [status, response] of Object.entries(operation.responses) as [string, Described][]) {
    if (!status.startsWith('2')) continue;
    response.description ||= TEXTS[status] ?? 'Done.';
    const headers = {
      ...(facts.isVersioned || isUserData ? { ETag: header('Names this state of the answer.', '"3"') } : {}),
      ...(facts.isPaged ? { Link: header('`rel="next"` while there is a next page (RFC 8288).') } : {}),
      ...(facts.isCached ? { 'Cache-Status': header('RFC 9211.', 'taskflow; hit') } : {}),
      ...Object.fromEntries(Object.entries(facts.answerHeaders).map(([name, text]) => [name, header(text)])),
      ...response.headers,
    };
    if (Object.keys(headers).length > 0) response.headers = headers;
  }
  if (!isUserData) return;
  (operation.parameters ??= []).push(IF_NONE_MATCH as never);
  operation.responses['304'] ??= { description: 'You have it already.' };
}
