import {
  Injectable,
  SetMetadata,
  UseInterceptors,
  applyDecorators,
  createParamDecorator,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import { ApiHeader } from '@nestjs/swagger';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { createHash } from 'node:crypto';
import { map, type Observable } from 'rxjs';
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

/** Whatever a signed-in user reads has an entity tag and can be revalidated, also where no decorator says so. */
export function registerEntityTags(fastify: FastifyInstance): void {
  fastify.addHook('onSend', (request, reply, payload, done) => {
    const isRead = reply.statusCode === 200 && (request.method === 'GET' || request.method === 'HEAD');
    if (!isRead || !request.principal || typeof payload !== 'string' || reply.hasHeader('etag')) {
      return done(null, payload);
    }
    const etag = contentTag(payload);
    try {
      if (isNotModified(request, etag)) {
        reply.status(304).removeHeader('content-type').header('etag', etag);
        return done(null, '');
      }
    } catch (error) {
      return done(error as Error);
    }
    reply.header('etag', etag);
    return done(null, payload);
  });
}

@Injectable()
class VersionTagInterceptor implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const http = context.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    const reply = http.getResponse<FastifyReply>();
    return next.handle().pipe(
      map((view: { readonly version: number } | undefined) => {
        if (view === undefined) return undefined;
        const etag = versionTag(view.version);
        reply.header('etag', etag);
        if (!isNotModified(request, etag)) return view;
        reply.status(304);
        return undefined;
      }),
    );
  }
}

export const VERSIONED = 'taskflow:versioned';

/** On a route that answers one versioned object: sends its `ETag` and honours `If-None-Match`. */
export const Versioned = (): MethodDecorator =>
  applyDecorators(UseInterceptors(VersionTagInterceptor), SetMetadata(VERSIONED, true));
