import { SetMetadata, applyDecorators, createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import { ApiHeader } from '@nestjs/swagger';
import type { DoneFuncWithErrOrRes, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { createHash } from 'node:crypto';
import { RequestMalformed } from '../errors/core.errors.js';
import './request.js';

/** The entity tag of a versioned object (RFC 9110 §8.8.3). */
export const versionTag = (version: number): string => `"${version}"`;

/** The entity tag of a body that has no version. */
export const contentTag = (body: string): string =>
  `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`;

const TAG_LIST = /^\s*(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"(?:\s*,\s*(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*")*\s*$/;

/** Opaque tags without their weakness mark: a proxy that compresses weakens tags, and a version survives that. */
function tagsOf(header: string, name: string): string[] | '*' {
  if (header.trim() === '*') return '*';
  if (!TAG_LIST.test(header)) throw new RequestMalformed({ detail: `${name} is not a list of entity tags.` });
  return [...header.matchAll(/"[^"]*"/g)].map(([tag]) => tag);
}

/** Puts an optional header field that a parameter decorator reads into the OpenAPI document. */
export function documentsHeader(name: string, description: string): ParameterDecorator {
  const describe = ApiHeader({ name, description, required: false }) as MethodDecorator;
  return (target, method) => {
    describe(target, method!, Object.getOwnPropertyDescriptor(target, method!)!);
  };
}

/** What `If-Match` allows; absent when the client did not send it. */
export type Precondition = (version: number) => boolean;

/** `@IfMatch() precondition: Precondition | undefined` */
export const IfMatch = createParamDecorator(
  (_data: unknown, context: ExecutionContext): Precondition | undefined => {
    const header = context.switchToHttp().getRequest<FastifyRequest>().headers['if-match'];
    if (header === undefined) return undefined;
    const tags = tagsOf(header, 'If-Match');
    return (version) => tags === '*' || tags.includes(versionTag(version));
  },
  [documentsHeader('If-Match', 'The `ETag` you have: if the object changed since, the answer is 412.')],
);

/** Whether `If-None-Match` names this tag, so that the answer is 304 (RFC 9110 §13.1.2). */
export function isNotModified(request: FastifyRequest, etag: string): boolean {
  const header = request.headers['if-none-match'];
  if (header === undefined || (request.method !== 'GET' && request.method !== 'HEAD')) return false;
  const tags = tagsOf(header, 'If-None-Match');
  return tags === '*' || tags.includes(etag);
}

/**
 * Whatever a signed-in user reads has an entity tag and can be revalidated: a versioned object by its version, anything
 * else by its bytes, also where no decorator says so. For the routes, before they are added.
 */
export function registerEntityTags(fastify: FastifyInstance): void {
  fastify.addHook('onRoute', (route) => {
    if (route.config?.isVersioned) route.preSerialization = [route.preSerialization ?? [], tagVersion].flat();
  });
  fastify.addHook('onSend', (request, reply, payload, done) => {
    const isRead = reply.statusCode === 200 && (request.method === 'GET' || request.method === 'HEAD');
    if (!isRead || !request.principal || typeof payload !== 'string') return done(null, payload);
    if (!reply.hasHeader('etag')) reply.header('etag', contentTag(payload));
    try {
      if (!isNotModified(request, reply.getHeader('etag') as string)) return done(null, payload);
    } catch (error) {
      reply.removeHeader('etag');
      return done(error as Error);
    }
    reply.status(304).removeHeader('content-type');
    return done(null, '');
  });
}

function tagVersion(_request: FastifyRequest, reply: FastifyReply, view: unknown, done: DoneFuncWithErrOrRes): void {
  if (reply.statusCode < 300) reply.header('etag', versionTag((view as { readonly version: number }).version));
  done(null, view);
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Of a route with `@Versioned`. */
    readonly isVersioned?: boolean;
  }
}

export const VERSIONED = 'taskflow:versioned';

/** On a route that answers one versioned object: sends its `ETag`, and on a read honours `If-None-Match`. */
export const Versioned = (): MethodDecorator =>
  applyDecorators(RouteConfig({ isVersioned: true }), SetMetadata(VERSIONED, true));
