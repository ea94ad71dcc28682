import { Ajv2020 } from 'ajv/dist/2020.js';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { requireCurrentDist, startProcess, temporaryDirectory, type TaskFlowProcess } from '../support/dist.js';
import { openApi31 } from '../support/openapi-schema.js';

const ROOT = join(__dirname, '..', '..');

type Json = Record<string, unknown>;
interface Response {
  description: string;
  content?: Record<string, { schema: Json; examples?: Record<string, { $ref: string }> }>;
}
interface Operation {
  operationId: string;
  tags: string[];
  parameters?: { name: string; in: string; required: boolean; schema: Json }[];
  requestBody?: { content: Record<string, { schema: Json; examples?: Record<string, { value: Json }> }> };
  responses: Record<string, Response>;
  security?: Record<string, string[]>[];
}
interface Document {
  tags: { name: string }[];
  paths: Record<string, Record<string, Operation>>;
  components: {
    schemas: Record<string, Json>;
    examples: Record<string, { value: { code: string; status: number } }>;
  };
}

/** The routes of API.md; `public` ones want no token. */
const PUBLIC_ROUTES = [
  'post /api/v1/auth/register',
  'post /api/v1/auth/login',
  'post /api/v1/auth/refresh',
  'post /api/v1/auth/forgot-password',
  'post /api/v1/auth/reset-password',
  'post /api/v1/auth/verify-email',
  'get /api/v1/auth/.well-known/jwks.json',
  'get /api/health',
  'get /api/health/live',
  'get /api/health/ready',
];
const GUARDED_ROUTES = [
  'post /api/v1/auth/logout',
  'post /api/v1/auth/logout-all',
  'get /api/v1/auth/sessions',
  'delete /api/v1/auth/sessions/{id}',
  'post /api/v1/auth/change-password',
  'post /api/v1/auth/resend-verification',
  'get /api/v1/users/me',
  'patch /api/v1/users/me',
  'delete /api/v1/users/me',
  'post /api/v1/tasks',
  'get /api/v1/tasks',
  'get /api/v1/tasks/stats',
  'post /api/v1/tasks/bulk',
  'get /api/v1/tasks/{id}',
  'patch /api/v1/tasks/{id}',
  'put /api/v1/tasks/{id}',
  'delete /api/v1/tasks/{id}',
  'post /api/v1/tasks/{id}/restore',
  'get /api/v1/events',
  'get /api/v1/notifications',
  'get /api/v1/notifications/unread-count',
  'post /api/v1/notifications/{id}/read',
  'post /api/v1/notifications/read-all',
  'get /api/v1/notifications/preferences',
  'patch /api/v1/notifications/preferences',
  'get /api/v1/notifications/push-key',
  'post /api/v1/notifications/push-subscriptions',
  'delete /api/v1/notifications/push-subscriptions/{id}',
];
const ADMIN_ROUTES = [
  'get /api/v1/admin/stats',
  'get /api/v1/admin/users',
  'get /api/v1/admin/users/{id}',
  'patch /api/v1/admin/users/{id}',
  'post /api/v1/admin/users/{id}/revoke-sessions',
  'get /api/v1/admin/audit',
  'get /api/v1/admin/dead-letters',
  'post /api/v1/admin/dead-letters/{id}/retry',
  'delete /api/v1/admin/dead-letters/{id}',
];

/** The only one that does not answer JSON. */
const EVENTS = 'get /api/v1/events';

describe('the OpenAPI document', () => {
  let document: Document;
  let operations: { route: string; path: string; operation: Operation }[];
  let ajv: Ajv2020;

  const tool = (option: string) =>
    spawnSync(process.execPath, [join(ROOT, 'tools/openapi.mjs'), option], { encoding: 'utf8' });

  beforeAll(() => {
    requireCurrentDist();
    const { status, stdout, stderr } = tool('--print');
    if (status !== 0) throw new Error(stderr);
    document = JSON.parse(stdout) as Document;
    operations = Object.entries(document.paths).flatMap(([path, item]) =>
      Object.entries(item).map(([method, operation]) => ({ route: `${method} ${path}`, path, operation })),
    );
    ajv = new Ajv2020({ strict: false, allErrors: true, logger: false });
    ajv.addFormat('email', /^[^@\s]+@[^@\s]+$/);
    ajv.addFormat('date-time', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/);
    ajv.addSchema({ ...document, $id: 'document' });
  });

  const validAs = (schema: Json, value: unknown): string => {
    // References are relative to the document they stand in.
    const absolute = JSON.parse(JSON.stringify(schema).replaceAll('"$ref":"#', '"$ref":"document#')) as Json;
    return ajv.validate(absolute, value) ? 'valid' : ajv.errorsText();
  };

  it('has the form of OpenAPI 3.1', () => {
    expect(validAs(openApi31 as Json, document)).toBe('valid');
  });

  it('contains only JSON Schemas of draft 2020-12', () => {
    for (const [name, schema] of everySchema()) {
      expect([name, ajv.validateSchema(schema), ajv.errorsText()]).toEqual([name, true, 'No errors']);
    }
  });

  it('refers only to what is there', () => {
    const references = [...JSON.stringify(document).matchAll(/"\$ref":"(.*?)"/g)].map(([, reference]) => reference!);
    expect(references.length).toBeGreaterThan(50);
    for (const reference of new Set(references)) {
      const steps = reference.replace('#/', '').split('/');
      const found = steps.reduce<unknown>((place, step) => (place as Json | undefined)?.[step], document);
      expect([reference, typeof found]).toEqual([reference, 'object']);
    }
  });

  it('has the routes of the contract, and no other', () => {
    const expected = [...PUBLIC_ROUTES, ...GUARDED_ROUTES, ...ADMIN_ROUTES];
    expect(operations.map(({ route }) => route).sort()).toEqual(expected.sort());
  });

  it('wants a token exactly where the contract does', () => {
    const guarded = operations.filter(({ operation }) => operation.security);
    expect(guarded.map(({ route }) => route).sort()).toEqual([...GUARDED_ROUTES, ...ADMIN_ROUTES].sort());
    for (const { operation } of guarded) {
      expect(operation.security).toEqual([{ bearer: [] }]);
      expect(codesOf(operation, '401')).toEqual(['auth.token_missing', 'auth.token_invalid']);
    }
    const forbidden = operations.filter(({ operation }) => codesOf(operation, '403').includes('auth.forbidden'));
    expect(forbidden.map(({ route }) => route).sort()).toEqual([...ADMIN_ROUTES].sort());
  });

  it('names each operation once, and its tags', () => {
    const ids = operations.map(({ operation }) => operation.operationId);
    expect(new Set(ids).size).toBe(ids.length);
    const tags = document.tags.map(({ name }) => name);
    for (const { operation } of operations) expect(tags).toEqual(expect.arrayContaining(operation.tags));
  });

  it('declares the parameters of its paths, and each parameter once', () => {
    for (const { route, path, operation } of operations) {
      const parameters = operation.parameters ?? [];
      const inPath = parameters.filter((parameter) => parameter.in === 'path');
      const expected = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({ name, required: true }));
      expect([route, inPath.map(({ name, required }) => ({ name, required }))]).toEqual([route, expected]);
      const names = parameters.map((parameter) => `${parameter.in} ${parameter.name}`);
      expect(new Set(names).size).toBe(names.length);
    }
  });

  it('says what comes back when all goes well', () => {
    for (const { route, operation } of operations) {
      const good = Object.entries(operation.responses).filter(([status]) => status.startsWith('2'));
      expect([route, good.length]).toEqual([route, 1]);
      const [status, { content }] = good[0]!;
      if (status === '202' || status === '204') expect(content).toBeUndefined();
      else if (route === EVENTS) expect(Object.keys(content ?? {})).toEqual(['text/event-stream']);
      else expect([route, Object.keys(content?.['application/json']?.schema ?? {})]).toEqual([route, ['$ref']]);
    }
  });

  it('describes every failure as a problem with the codes it can have', () => {
    for (const { route, operation } of operations) {
      for (const [status, { content }] of Object.entries(operation.responses)) {
        if (Number(status) < 400 || route.includes('/health')) continue;
        expect([route, status, Object.keys(content ?? {})]).toEqual([route, status, ['application/problem+json']]);
        const { schema } = content!['application/problem+json']!;
        expect(schema).toEqual({ $ref: '#/components/schemas/Problem' });
        const codes = codesOf(operation, status);
        expect(codes.length).toBeGreaterThan(0);
        for (const code of codes) expect(document.components.examples[code]!.value.status).toBe(Number(status));
      }
    }
  });

  it.each([
    ['post /api/v1/tasks', '422', 'idempotency.key_reused'],
    ['get /api/v1/tasks', '422', 'cursor.invalid'],
    ['patch /api/v1/tasks/{id}', '404', 'task.not_found'],
    ['put /api/v1/tasks/{id}', '412', 'task.stale'],
    ['delete /api/v1/users/me', '409', 'admin.last_admin'],
    ['patch /api/v1/admin/users/{id}', '409', 'admin.last_admin'],
    ['post /api/v1/auth/register', '409', 'user.email_taken'],
    ['post /api/v1/auth/login', '401', 'auth.invalid_credentials'],
    ['post /api/v1/auth/login', '403', 'auth.suspended'],
    ['post /api/v1/auth/login', '429', 'rate_limit.exceeded'],
    ['post /api/v1/auth/refresh', '401', 'auth.refresh_reused'],
    ['post /api/v1/tasks', '503', 'store.unavailable'],
    ['post /api/v1/tasks', '413', 'request.too_large'],
    ['post /api/v1/tasks', '415', 'request.unsupported_media_type'],
  ])('tells that %s can answer %s %s', (route, status, code) => {
    const { operation } = operations.find((one) => one.route === route)!;
    expect(codesOf(operation, status)).toContain(code);
  });

  it('has examples of problems that are problems', () => {
    for (const [code, { value }] of Object.entries(document.components.examples)) {
      expect(value.code).toBe(code);
      expect(validAs(document.components.schemas['Problem']!, value)).toBe('valid');
    }
  });

  it('has examples that its own schemas accept, and a whole one for every body', () => {
    for (const [name, schema] of everySchema()) {
      for (const [field, property] of Object.entries((schema['properties'] ?? {}) as Record<string, Json>)) {
        if ('example' in property) {
          expect([name, field, validAs(property, property['example'])]).toEqual([name, field, 'valid']);
        }
      }
    }
    for (const { route, operation } of operations) {
      for (const { schema, examples: whole = {} } of Object.values(operation.requestBody?.content ?? {})) {
        const body = document.components.schemas[String(schema['$ref']).split('/').at(-1)!]!;
        const properties = body['properties'] as Record<string, Json>;
        const examples = Object.entries(properties).flatMap(([field, { example }]) =>
          example === undefined ? [] : [[field, example] as const],
        );
        for (const value of [Object.fromEntries(examples), ...Object.values(whole).map((one) => one.value)]) {
          expect([route, validAs(body, value)]).toEqual([route, 'valid']);
        }
      }
    }
  });

  it('takes merge patches wherever something is patched', () => {
    const patches = operations.filter(({ route }) => route.startsWith('patch '));
    expect(patches).toHaveLength(4);
    for (const { operation } of patches) {
      expect(Object.keys(operation.requestBody!.content).sort()).toEqual([
        'application/json',
        'application/merge-patch+json',
      ]);
    }
  });

  it('knows the error codes of docs/errors.md, and they know it', () => {
    const documented = [...readFileSync(join(ROOT, 'docs/errors.md'), 'utf8').matchAll(/^\| `([a-z_.]+)`/gm)];
    const { properties } = document.components.schemas['Problem'] as { properties: { code: { enum: string[] } } };
    expect(documented.map(([, code]) => code).filter((code) => code !== 'code')).toEqual(properties.code.enum);
  });

  it('is openapi.json, as npm run openapi writes it', () => {
    const { status, stderr } = tool('--check');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });

  const codesOf = (operation: Operation, status: string): string[] =>
    Object.keys(operation.responses[status]?.content?.['application/problem+json']?.examples ?? {});

  function* everySchema(): Generator<[string, Json]> {
    yield* Object.entries(document.components.schemas);
    for (const { route, operation } of operations) {
      for (const { name, schema } of operation.parameters ?? []) yield [`${route} ${name}`, schema];
    }
  }
});

describe('the docs in the browser', () => {
  let server: TaskFlowProcess;
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
  beforeAll(async () => {
    requireCurrentDist();
    directory = await temporaryDirectory();
    server = await startProcess({ DATA_DIR: directory.path });
  });
  afterAll(async () => {
    await server.end('SIGTERM');
    await directory.remove();
  });

  it('GET /api/openapi.json serves the document of openapi.json', async () => {
    const { body, headers } = await server.http.get('/api/openapi.json').expect(200);
    expect(headers['content-type']).toMatch(/^application\/json/);
    expect(body).toEqual(JSON.parse(readFileSync(join(ROOT, 'openapi.json'), 'utf8')));
  });

  it.each(['/api/docs', '/api/docs/'])('GET %s loads scripts and styles that the CSP allows', async (address) => {
    const { text, headers } = await server.http.get(address).expect(200);
    expect(headers['content-security-policy']).toMatch(/script-src 'self';/);
    const scripts = [...text.matchAll(/<script([^>]*)>([^<]*)/g)];
    expect(scripts.length).toBeGreaterThan(2);
    for (const [, attributes, inline] of scripts) {
      expect(inline!.trim()).toBe('');
      const source = /src="(.*?)"/.exec(attributes!)?.[1];
      const { pathname } = new URL(source!, `${server.url}${address}`);
      const script = await server.http.get(pathname).expect(200);
      expect(script.headers['content-type']).toMatch(/^application\/javascript/);
    }
    const styles = /href="([^"]*swagger-ui\.css)"/.exec(text)?.[1];
    await server.http.get(new URL(styles!, `${server.url}${address}`).pathname).expect(200);
  });

  it('GET /api/docs/errors explains each code at the place that problems point to', async () => {
    const { body } = await server.http.get('/api/v1/nothing').expect(404);
    const { hash, pathname } = new URL(body.type);
    const { text } = await server.http.get(pathname).expect(200);
    expect(text).toContain(`id="${hash.slice(1)}"`);
  });
});
