import { CursorInvalid, InputInvalid, Overloaded, RateLimited, RequestMalformed } from '../errors/core.errors.js';
import {
  RequestTimedOut,
  RequestTooLarge,
  RequestTooSlow,
  RoleRequired,
  StoreUnavailable,
  TokenInvalid,
  TokenMissing,
  UnsupportedMedia,
} from '../errors/core.errors.js';
import { errorCatalogue, type ErrorDefinition } from '../errors/domain-error.js';
import { statusOfKind } from '../errors/problem.js';
import type { Operation } from './operation.js';
import type { OperationFacts } from './operation-facts.js';

type ErrorClass = new () => ErrorDefinition;

/** Adds to an operation every problem it can answer with: its own, and what follows from what it has. */
export function describeProblems(operation: Operation, path: string, facts: OperationFacts): void {
  const byStatus = new Map<number, ErrorDefinition[]>();
  for (const code of new Set([...facts.problems, ...codesOf(impliedErrors(operation, path, facts))])) {
    const definition = errorCatalogue.get(code)!;
    const status = statusOfKind[definition.kind];
    byStatus.set(status, [...(byStatus.get(status) ?? []), definition]);
  }
  for (const [status, definitions] of [...byStatus].sort(([a], [b]) => a - b)) {
    operation.responses[status] ??= problemResponse(status, definitions);
  }
}

const codesOf = (errors: readonly ErrorClass[]): string[] => errors.map((Type) => new Type().code);

function impliedErrors(operation: Operation, path: string, { isPublic, role }: OperationFacts): ErrorClass[] {
  const parameters = operation.parameters ?? [];
  const given = (place: string, name?: string): boolean =>
    parameters.some((one) => 'in' in one && one.in === place && (name === undefined || one.name === name));
  const hasBody = operation.requestBody !== undefined;
  return [
    ...(hasBody || given('header') ? [RequestMalformed] : []),
    ...(isPublic ? [] : [TokenMissing, TokenInvalid]),
    ...(role ? [RoleRequired] : []),
    ...(hasBody ? [RequestTooSlow, RequestTooLarge, UnsupportedMedia] : []),
    ...(hasBody || given('query') ? [InputInvalid] : []),
    ...(given('query', 'cursor') ? [CursorInvalid] : []),
    ...(path.startsWith('/api/v1/') ? [RateLimited, StoreUnavailable, Overloaded, RequestTimedOut] : []),
  ];
}

function problemResponse(status: number, definitions: readonly ErrorDefinition[]): never {
  const retried = status === 429 || status === 503;
  return {
    description: definitions.map(({ code, title }) => `\`${code}\`: ${title}`).join('\n\n'),
    ...(retried ? { headers: { 'Retry-After': { description: 'Seconds', schema: { type: 'integer' } } } } : {}),
    content: {
      'application/problem+json': {
        schema: { $ref: '#/components/schemas/Problem' },
        examples: Object.fromEntries(definitions.map(({ code }) => [code, { $ref: `#/components/examples/${code}` }])),
      },
    },
  } as never;
}
