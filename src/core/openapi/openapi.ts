import type { INestApplication } from '@nestjs/common';
import { DocumentBuilder, SwaggerModule, type OpenAPIObject } from '@nestjs/swagger';
import type { AppConfig } from '../../config/config.js';
import { describeProblems } from './problem-responses.js';

/** The OpenAPI 3.1 document of the running application. */
export function openApiDocument(app: INestApplication, config: AppConfig): OpenAPIObject {
  const options = new DocumentBuilder()
    .setOpenAPIVersion('3.1.0')
    .setTitle('TaskFlow')
    .setDescription(
      'Tasks, users and sessions. Errors are `application/problem+json` (RFC 9457); times are RFC 3339 in UTC; ' +
        'lists are keyset pages; `ETag` and `If-Match` guard against lost updates.',
    )
    .setVersion('1')
    .setLicense('MIT', 'https://opensource.org/license/mit')
    .addServer(config.publicUrl)
    .addBearerAuth({ type: 'http', scheme: 'bearer', bearerFormat: 'JWT' }, 'bearer')
    .addCookieAuth('taskflow_refresh', { type: 'apiKey', in: 'cookie' }, 'refresh')
    .build();
  const document = SwaggerModule.createDocument(app, options, {
    operationIdFactory: (controller, method) => `${controller.replace(/Controller$/, '').toLowerCase()}.${method}`,
  });
  return describeProblems(document);
}

/** `GET /api/docs` (Swagger UI) and `GET /api/openapi.json`. */
export async function serveOpenApi(app: INestApplication, config: AppConfig): Promise<void> {
  await SwaggerModule.loadPluginMetadata(async () => ({}));
  let document: OpenAPIObject | undefined;
  SwaggerModule.setup('api/docs', app, () => (document ??= openApiDocument(app, config)), {
    jsonDocumentUrl: 'api/openapi.json',
    yamlDocumentUrl: 'api/openapi.yaml',
    customSiteTitle: 'TaskFlow API',
    swaggerOptions: { persistAuthorization: true },
  });
}
