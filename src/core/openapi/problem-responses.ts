import type { OpenAPIObject } from '@nestjs/swagger';
import { errorCatalogue } from '../errors/domain-error.js';
import { statusOfKind } from '../errors/problem.js';

type Operation = NonNullable<OpenAPIObject['paths'][string]['get']>;

const METHODS = ['get', 'post', 'put', 'patch', 'delete'] as const;

const problemSchema = {
  type: 'object',
  required: ['type', 'title', 'status', 'code', 'detail', 'instance', 'requestId'],
  properties: {
    type: { type: 'string', format: 'uri', description: 'A page that explains the code' },
    title: { type: 'string' },
    status: { type: 'integer' },
    code: { type: 'string', enum: [] as string[] },
    detail: { type: 'string' },
    instance: { type: 'string' },
    requestId: { type: 'string' },
    errors: {
      type: 'array',
      items: {
        type: 'object',
        required: ['pointer', 'code', 'message'],
        properties: {
          pointer: { type: 'string', format: 'json-pointer' },
          code: { type: 'string' },
          message: { type: 'string' },
        },
      },
    },
  },
};

/** Adds to every operation the problems it can answer with; which those are follows from what the operation has. */
export function describeProblems(document: OpenAPIObject): OpenAPIObject {
  const codes = [...errorCatalogue.keys()].sort();
  const schemas = (document.components ??= {}).schemas ?? {};
  const properties = { ...problemSchema.properties, code: { type: 'string', enum: codes } };
  document.components.schemas = { ...schemas, Problem: { ...problemSchema, properties } as never };
  for (const [path, item] of Object.entries(document.paths)) {
    for (const method of METHODS) {
      const operation = item[method];
      if (operation) describeOperation(operation, path);
    }
  }
  return document;
}

function describeOperation(operation: Operation, path: string): void {
  const guarded = (operation.security?.length ?? 0) > 0;
  const hasInput = Boolean(operation.requestBody) || (operation.parameters?.length ?? 0) > 0;
  const inApi = path.startsWith('/api/v1/');
  const expected: [number, boolean][] = [
    [400, hasInput],
    [401, guarded],
    [403, guarded && path.includes('/admin/')],
    [404, path.includes('{')],
    [413, Boolean(operation.requestBody)],
    [415, Boolean(operation.requestBody)],
    [422, hasInput],
    [429, inApi],
    [503, inApi],
  ];
  for (const [status, applies] of expected) if (applies) operation.responses[status] ??= problemResponse(status);
}

function problemResponse(status: number): never {
  const codes = [...errorCatalogue.values()]
    .filter(({ kind }) => statusOfKind[kind] === status)
    .map(({ code }) => code);
  return {
    description: `Problem: ${codes.join(', ')}`,
    content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
  } as never;
}
