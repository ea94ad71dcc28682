import { Catch, Logger, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { AppConfig } from '../../config/config.js';
import { problemHeaders, problemOf, toDomainError } from './problem.js';

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
    const error = toDomainError(thrown);
    const path = request.url.split('?', 1)[0] ?? '/';
    const problem = problemOf(error, { id: request.id, path }, this.config.publicUrl);
    if (problem.status >= 500) this.report(problem.code, thrown);
    request.problem = problem.code;
    if (reply.sent) return;
    void reply
      .status(problem.status)
      .headers({ 'cache-control': 'no-store', ...problemHeaders(error) })
      .type('application/problem+json')
      .send(JSON.stringify(problem));
  }

  private report(code: string, thrown: unknown): void {
    const cause = thrown instanceof Error ? thrown : new Error(String(thrown));
    if (code === 'internal') this.logger.error(cause.message, cause.stack);
    else this.logger.warn(`${code}: ${cause.name} ${cause.message}`);
  }
}
