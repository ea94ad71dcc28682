import type { FastifyInstance, FastifyRequest } from 'fastify';
import { BODY_LIMIT } from './limits.js';
import { isUtf8 } from 'node:buffer';
import type { InputError } from '../errors/domain-error.js';
import { InputInvalid, RequestMalformed, UnsupportedMedia } from '../errors/core.errors.js';

/** Deeper than any input of ours; what is beyond would only exhaust the stack of whoever walks it. */
const MAX_DEPTH = 32;

/** Three times what the largest bulk request has. Whoever validates an object compares each field with all the others. */
const MAX_VALUES = 10_000;

const TOO_DEEP: InputError = { pointer: '', code: 'too_deep', message: `nests deeper than ${MAX_DEPTH}` };
const TOO_MANY_VALUES: InputError = {
  pointer: '',
  code: 'too_many_values',
  message: `has more than ${MAX_VALUES} values`,
};

/** RFC 9110 §12.5.3: names the codings that the same request may come in. */
const NO_CODING = {
  detail: 'The Content-Encoding of the request body is not supported.',
  headers: { 'accept-encoding': 'identity' },
};

/**
 * JSON in two media types. An empty body is no body, whatever its `Content-Type` (Fastify's own parser answers 400).
 * Keys that would reach a prototype are refused by Fastify's parser.
 */
export function registerBodyParsers(fastify: FastifyInstance): void {
  const parse = fastify.getDefaultJsonParser('error', 'error');
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser(
    ['application/json', 'application/merge-patch+json'],
    { parseAs: 'buffer', bodyLimit: BODY_LIMIT },
    (request: FastifyRequest, bytes: Buffer, done: (error: Error | null, value?: unknown) => void) => {
      const { 'content-encoding': coding = 'identity' } = request.headers;
      if (coding.toLowerCase() !== 'identity') return done(new UnsupportedMedia(NO_CODING));
      // Otherwise what is not UTF-8 would be stored as another text than the client has (RFC 8259 §8.1).
      if (!isUtf8(bytes)) return done(new RequestMalformed({ detail: 'The body is not UTF-8.' }));
      const body = bytes.toString();
      if (body.trim() === '') return done(null, undefined);
      return parse(request, body, (error, value: unknown) => {
        if (error) return done(error);
        const excess = excessOf(value);
        return excess ? done(new InputInvalid({ errors: [excess] })) : done(null, value);
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

/** What a body has too much of, whatever its bytes. Allocates nothing per value: 4 MiB may hold two million of them. */
function excessOf(body: unknown): InputError | undefined {
  let valuesLeft = MAX_VALUES;
  const walk = (value: unknown, levelsLeft: number): InputError | undefined => {
    if (valuesLeft-- === 0) return TOO_MANY_VALUES;
    if (typeof value !== 'object' || value === null) return undefined;
    if (levelsLeft === 0) return TOO_DEEP;
    for (const key in value) {
      const excess = walk((value as Record<string, unknown>)[key], levelsLeft - 1);
      if (excess) return excess;
    }
    return undefined;
  };
  return walk(body, MAX_DEPTH);
}
