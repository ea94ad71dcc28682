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

/** On a route, for `@RouteConfig`: it takes what forms send, which any page of the web can make a browser do. */
export const FORMS = { forms: true } as const;

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
      const excess = excessOf(bytes);
      if (excess) return done(new InputInvalid({ errors: [excess] }));
      const body = bytes.toString();
      return body.trim() === '' ? done(null, undefined) : parse(request, body, done);
    },
  );
  // Mail programs end a subscription by such a post (RFC 8058 §3.1). All is in its address; what is in it is not looked at.
  fastify.addContentTypeParser(
    ['application/x-www-form-urlencoded', 'multipart/form-data'],
    { parseAs: 'buffer', bodyLimit: BODY_LIMIT },
    (request: FastifyRequest, _bytes: Buffer, done: (error: Error | null, value?: unknown) => void) => {
      const { forms } = request.routeOptions.config as Partial<typeof FORMS>;
      return forms ? done(null, undefined) : done(new UnsupportedMedia());
    },
  );
  // A request without a body may carry any Content-Type; one with a body of another type gets 415.
  fastify.addHook('onRequest', (request, _reply, done) => {
    const { 'content-length': length = '0', 'transfer-encoding': encoding } = request.headers;
    if (length === '0' && encoding === undefined) delete request.headers['content-type'];
    done();
  });
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
// Brackets and braces differ in one bit.
const SHAPE = 0x20;
const OPENING = 0x7b;
const CLOSING = 0x7d;

/**
 * What a JSON text has too much of. It is read before anything is made of it: parsing two million values, or three
 * hundred thousand names, would keep everybody waiting only to refuse them.
 */
function excessOf(text: Buffer): InputError | undefined {
  let depth = 0;
  let values = 1;
  for (let at = 0; at < text.length; at++) {
    const byte = text[at]!;
    if (byte === QUOTE) at = endOfString(text, at);
    else if (byte === COMMA) values++;
    else if ((byte | SHAPE) === OPENING) {
      values++;
      if (++depth > MAX_DEPTH) return TOO_DEEP;
    } else if ((byte | SHAPE) === CLOSING) depth--;
    if (values > MAX_VALUES) return TOO_MANY_VALUES;
  }
  return undefined;
}

/** Where the string that begins here ends: at the next quote that has an even number of backslashes before it. */
function endOfString(text: Buffer, start: number): number {
  for (let end = text.indexOf(QUOTE, start + 1); end !== -1; end = text.indexOf(QUOTE, end + 1)) {
    let before = end;
    while (text[before - 1] === BACKSLASH) before--;
    if ((end - before) % 2 === 0) return end;
  }
  return text.length;
}
