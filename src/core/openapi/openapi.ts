import type { INestApplication } from '@nestjs/common';
import { DocumentBuilder, SwaggerModule, type OpenAPIObject } from '@nestjs/swagger';
import type { FastifyInstance } from 'fastify';
import { readFileSync } from 'node:fs';
import { AppConfig } from '../../config/config.js';
import { ConfigError } from '../../config/environment.js';
import { MODULE_NAMES } from '../../config/modules.js';
import { cacheDocs } from './docs-caching.js';
import { operationFacts, operationId, type OperationFacts } from './operation-facts.js';
import { operationsOf, type Operation } from './operation.js';
import { describeProblems } from './problem-responses.js';
import { problemExamples, problemSchema } from './problem-schema.js';
import { describeSuccess } from './success-responses.js';

const BEARER = 'bearer';
/** `npm run openapi` writes it; a test compares it with what the program serves. */
const WRITTEN = new URL('../../../openapi.json', import.meta.url);

const INTRODUCTION = `
Tasks, users and sessions.

**To try it here:** register under *auth*, copy \`accessToken\` from the answer, press **Authorize**, paste it, and
create a task. The token is good for 15 minutes; *auth → refresh* gives the next one (the browser keeps the cookie).

Times are RFC 3339 and come back in UTC. Lists are keyset pages: pass \`nextCursor\` as \`cursor\`. \`ETag\` and
\`If-Match\` keep two writers from overwriting each other. Every error is \`application/problem+json\` (RFC 9457), with
a [code that does not change](/api/docs/errors).
`;

const TAGS: readonly (readonly [name: string, description: string])[] = [
  ['auth', 'Accounts come in, sessions begin and end'],
  ['users', 'Your own account'],
  ['tasks', 'Your tasks'],
  ['notifications', 'What you are told of, in the app and as it happens'],
  ['admin', 'For the role `admin`: all users, numbers, and who did what'],
  ['health', 'For operators: probes'],
];

/** The OpenAPI 3.1 document of the running application. */
export function openApiDocument(app: INestApplication): OpenAPIObject {
  const builder = new DocumentBuilder()
    .setOpenAPIVersion('3.1.0')
    .setTitle('TaskFlow')
    .setDescription(INTRODUCTION.trim())
    .setVersion('1')
    .setLicense('MIT', 'https://opensource.org/license/mit')
    // Relative: a browser that found the docs under any name of this server calls the same one.
    .addServer('/', 'The server this document came from')
    .addBearerAuth({ type: 'http', scheme: 'bearer', bearerFormat: 'JWT', description: 'The `accessToken`' }, BEARER);
  for (const [name, description] of TAGS) builder.addTag(name, description);
  const document = SwaggerModule.createDocument(app, builder.build(), { operationIdFactory: operationId });
  return complete(document, operationFacts(app));
}

/** What Nest's scanner cannot know: who may call, what can go wrong, which header fields come along. */
function complete(document: OpenAPIObject, facts: ReadonlyMap<string, OperationFacts>): OpenAPIObject {
  const components = (document.components ??= {});
  components.schemas = { ...components.schemas, Problem: problemSchema() };
  components.examples = problemExamples();
  for (const { path, method, operation } of operationsOf(document)) {
    const known = facts.get(operation.operationId ?? '');
    if (!known) throw new Error(`${method} ${path}: no controller method ${operation.operationId}`);
    if (known.isPublic) delete operation.security;
    else operation.security = [{ [BEARER]: [] }];
    if (method === 'patch') acceptMergePatch(operation);
    describeSuccess(operation, method, known);
    describeProblems(operation, path, known);
  }
  return document;
}

function acceptMergePatch({ requestBody }: Operation): void {
  if (!requestBody || !('content' in requestBody)) return;
  const json = requestBody.content['application/json'];
  if (json) requestBody.content['application/merge-patch+json'] = json;
}

/**
 * `GET /api/docs` (Swagger UI) and `GET /api/openapi.json`: the whole API from any process. One that serves only some
 * modules cannot describe the others, and shows what was written when the program was built.
 */
export function serveOpenApi(app: INestApplication): void {
  const written = app.get(AppConfig).modules.length < MODULE_NAMES.length ? writtenDocument() : undefined;
  let document: OpenAPIObject | undefined;
  cacheDocs(app.getHttpAdapter().getInstance() as FastifyInstance);
  SwaggerModule.setup('api/docs', app, () => (document ??= written ?? openApiDocument(app)), {
    jsonDocumentUrl: 'api/openapi.json',
    yamlDocumentUrl: 'api/openapi.yaml',
    customSiteTitle: 'TaskFlow API',
    swaggerOptions: { persistAuthorization: true, displayRequestDuration: true, tryItOutEnabled: true },
  });
}

/** @throws ConfigError when the file is not beside `dist/` */
function writtenDocument(): OpenAPIObject {
  try {
    return JSON.parse(readFileSync(WRITTEN, 'utf8')) as OpenAPIObject;
  } catch {
    throw new ConfigError('MODULES: some of them need openapi.json beside dist/, for the documentation of the others');
  }
}
