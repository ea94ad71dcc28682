import type { FastifyInstance, FastifyRequest } from 'fastify';
import { BODY_LIMIT } from './limits.js';
import { InputInvalid } from '../errors/core.errors.js';

/** Deeper than any input of ours; what is beyond would only exhaust the stack of whoever walks it. */
const MAX_DEPTH = 32;

/**
 * JSON in two media types. An empty body is no body, whatever its `Content-Type` (Fastify's own parser answers 400).
 * Keys that would reach a prototype are refused by Fastify's parser.
 */
export function registerBodyParsers(fastify: FastifyInstance): void {
  const parse = fastify.getDefaultJsonParser('error', 'error');
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser(
    ['application/json', 'application/merge-patch+json'],
    { parseAs: 'string', bodyLimit: BODY_LIMIT },
    (request: FastifyRequest, body: string, done: (error: Error | null, value?: unknown) => void) => {
      if (body.trim() === '') return done(null, undefined);
      return parse(request, body, (error, value: unknown) => {
        if (error) return done(error);
        return isTooDeep(value)
          ? done(
              new InputInvalid({
                errors: [{ pointer: '', code: 'too_deep', message: `nests deeper than ${MAX_DEPTH}` }],
              }),
            )
          : done(null, value);
      });
    },
  );
  // A request without a body may carry any Content-Type; one with a body of another type gets 415.
  fastify.addHook('onRequest', (request, _reply, done) => {
    const { 'content-length': length = '0', 'transfer-encoding': encoding } = request.headers;
    if (length === '0' && encoding === undefined) delete request.headers['content-type'];
    done();
  });
}

function isTooDeep(value: unknown): boolean {
  let level: unknown[] = [value];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > MAX_DEPTH) return true;
    level = level.flatMap((item) => (typeof item === 'object' && item !== null ? Object.values(item) : []));
  }
  return false;
}
