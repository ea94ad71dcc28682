import {
  Injectable,
  SetMetadata,
  UseInterceptors,
  applyDecorators,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { tap, type Observable } from 'rxjs';
import { Perishable } from '../cache/perishable.js';

export const DEFAULT_PAGE_LIMIT = 20;
export const MAX_PAGE_LIMIT = 100;

/** One page of a keyset-paged list; `nextCursor` is null on the last one. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly nextCursor: string | null;
}

@Injectable()
class PageLinkInterceptor implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const http = context.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    const reply = http.getResponse<FastifyReply>();
    return next.handle().pipe(
      tap((result: Page<unknown> | Perishable<Page<unknown>>) => {
        const { nextCursor } = result instanceof Perishable ? result.value : result;
        if (nextCursor === null) return;
        // Only the first question mark begins the query; it may have others of its own (RFC 3986 §3.4).
        const [path = ''] = request.url.split('?', 1);
        const query = new URLSearchParams(request.url.slice(path.length + 1));
        query.set('cursor', nextCursor);
        reply.header('link', `<${path}?${query.toString()}>; rel="next"`);
      }),
    );
  }
}

export const PAGED = 'taskflow:paged';

/** On a route that answers a `Page`: sends `Link: <…>; rel="next"` (RFC 8288) while there is a next page. */
export const Paged = (): MethodDecorator =>
  applyDecorators(UseInterceptors(PageLinkInterceptor), SetMetadata(PAGED, true));
