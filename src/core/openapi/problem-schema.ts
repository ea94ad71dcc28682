import { errorCatalogue } from '../errors/domain-error.js';
import { ERRORS_PAGE, statusOfKind } from '../errors/problem.js';

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

/** One example for each error, by its code. */
export const problemExamples = (): Record<string, { value: unknown }> =>
  Object.fromEntries(
    [...errorCatalogue.values()].map(({ code, kind, title }) => {
      const names = { type: `http://localhost:3000${ERRORS_PAGE}#${code}`, title, status: statusOfKind[kind], code };
      const occurrence = { detail: title, instance: '/api/v1/…', requestId: '0192f0c1-2b7e-7c55-9d3a-6f2f8d0e4b11' };
      const errors = [{ pointer: '/title', code: 'text', message: 'must be a text of 1 to 200 characters' }];
      return [code, { value: { ...names, ...occurrence, ...(code === 'input.invalid' ? { errors } : {}) } }];
    }),
  );
