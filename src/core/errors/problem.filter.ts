import { Catch, Logger, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { AppConfig } from '../../config/config.js';
import { TimeLimitReached } from '../http/time-limit.js';
import { Overloaded, RequestTooSlow } from './core.errors.js';
import { announceUnexpected } from './unexpected-error.js';
import { problemHeaders, problemOf, toDomainError, type Problem } from './problem.js';

/** Header fields that describe an answer and not its failure. An error may bring some of its own. */
const OF_THE_ANSWER = ['cache-status', 'etag', 'idempotency-replayed', 'last-modified', 'link', 'location'];

/** The rest of the body would be taken for the next request. */
const CLOSING = { headers: { connection: 'close' } };

/** Whether the time limit struck while the body was on its way: then it is not the server that is slow. */
const isStillArriving = (thrown: unknown, { raw }: FastifyRequest): boolean =>
  thrown instanceof TimeLimitReached && !raw.complete;

/** The one choke point: whatever a request ends with, other than its answer, leaves here as problem+json. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  private readonly logger = new Logger('Problem');

  constructor(private readonly config: AppConfig) {}

  catch(thrown: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    this.answer(thrown, http.getRequest<FastifyRequest>(), http.getResponse<FastifyReply>());
  }

  /** Also called for what fails before Nest sees the request, such as an undecodable URL. */
  answer(thrown: unknown, request: FastifyRequest, reply: FastifyReply): void {
    const error = isStillArriving(thrown, request) ? new RequestTooSlow(CLOSING) : toDomainError(thrown);
    const path = request.url.split('?', 1)[0] ?? '/';
    const problem = problemOf(error, { id: request.id, path }, this.config.publicUrl);
    if (problem.status >= 500 && !(error instanceof Overloaded)) this.report(problem, thrown, request);
    request.problem = problem.code;
    if (reply.sent) return;
    // What a handler said about the answer that it did not get to send.
    for (const name of OF_THE_ANSWER) reply.removeHeader(name);
    void reply
      .status(problem.status)
      .headers({ 'cache-control': 'no-store', ...problemHeaders(error) })
      .type('application/problem+json')
      .send(JSON.stringify(problem));
  }

  /** With the request's id, because a time limit ends a request outside its context. */
  private report({ code, requestId }: Problem, thrown: unknown, request: FastifyRequest): void {
    const cause = thrown instanceof Error ? thrown : new Error(String(thrown));
    if (code !== 'internal') {
      this.logger.warn({ message: `${code}: ${cause.name} ${cause.message}`, requestId });
      return;
    }
    this.logger.error({ message: cause.message, requestId }, cause.stack);
    const { method, routeOptions, traceId } = request;
    announceUnexpected({ error: cause, requestId, traceId, method, route: routeOptions.url });
  }
}
