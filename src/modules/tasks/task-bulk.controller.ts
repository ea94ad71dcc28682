import { Body, Controller, HttpCode, Logger, Post, Req, Res } from '@nestjs/common';
import { ApiBearerAuth, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { AppConfig } from '../../config/config.js';
import { IdempotencyKey } from '../../core/idempotency/idempotency.js';
import { AnswerHeaders } from '../../core/openapi/answer-headers.decorator.js';
import { CurrentUser, type Principal } from '../../core/security/principal.js';
import { BulkTasks } from './task-bulk.dto.js';
import { TaskBulkService, type Outcome } from './task-bulk.service.js';
import { bulkResult, BulkView } from './task-bulk.view.js';

@ApiTags('tasks')
@ApiBearerAuth('bearer')
@Controller('tasks')
export class TaskBulkController {
  private readonly logger = new Logger('Bulk');

  constructor(
    private readonly bulk: TaskBulkService,
    private readonly config: AppConfig,
  ) {}

  /** Up to 100 operations in one request, each with a result of its own. */
  @Post('bulk')
  @HttpCode(200)
  @AnswerHeaders({ 'Idempotency-Replayed': '`true` when all it created was there already.' })
  async run(
    @CurrentUser() { userId }: Principal,
    @Body() { operations }: BulkTasks,
    @IdempotencyKey() key: string | undefined,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<BulkView> {
    const outcomes = await this.bulk.run(userId, operations, key);
    if (isReplay(outcomes)) reply.header('idempotency-replayed', 'true');
    const context = { id: request.id, path: request.url.split('?', 1)[0]! };
    const results = outcomes.map((outcome) => bulkResult(outcome, context, this.config.publicUrl));
    this.report(outcomes, results);
    return { results };
  }

  /** A failure of ours inside an answer of 200 passes the problem filter by. */
  private report(outcomes: readonly Outcome[], results: BulkView['results']): void {
    for (const [index, outcome] of outcomes.entries()) {
      if (!('failed' in outcome) || results[index]!.status < 500) continue;
      const { message, stack } = outcome.failed as Error;
      this.logger.error(message, stack);
    }
  }
}

/** Whether the request has created tasks before, and none now. */
function isReplay(outcomes: readonly Outcome[]): boolean {
  const creations = outcomes.filter((outcome) => 'done' in outcome && outcome.done === 'create');
  return creations.length > 0 && creations.every((outcome) => 'isReplay' in outcome && outcome.isReplay);
}
