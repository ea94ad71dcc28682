import { errorCatalogue } from '../errors/domain-error.js';

/** The body of every error, for the components of the OpenAPI document. */
export const problemSchema = (): Record<string, unknown> => ({
  type: 'object',
  description: 'An error (RFC 9457). `code` is stable; every other text may change.',
  required: ['type', 'title', 'status', 'code', 'detail', 'instance', 'requestId'],
  properties: {
    type: { type: 'string', format: 'uri', description: 'A page that explains the code' },
    title: { type: 'string', description: 'The same for every occurrence of the code' },
    status: { type: 'integer', minimum: 400, maximum: 599 },
    code: { type: 'string', enum: [...errorCatalogue.keys()].sort() },
    detail: { type: 'string', description: 'What happened this time' },
    instance: { type: 'string', description: 'The path of the request' },
    requestId: { type: 'string', description: 'Also in `X-Request-Id` and in the logs' },
    errors: {
      type: 'array',
      description: 'Everything that is wrong with the input',
      items: {
        type: 'object',
        required: ['pointer', 'code', 'message'],
        properties: {
          pointer: { type: 'string', format: 'json-pointer', description: 'Where in the body or query (RFC 6901)' },
          code: { type: 'string' },
          message: { type: 'string' },
        },
      },
    },
  },
});
