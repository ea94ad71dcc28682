import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { problemOf, statusOfKind, toDomainError, type Problem } from '../../core/errors/problem.js';
import type { Outcome } from './task-bulk.service.js';
import { taskView, TaskView } from './task.view.js';

/** What the operation would have been answered with as a request of its own. */
export class BulkResult {
  @ApiProperty({ example: 201 }) status: number;
  /** After `create`, `update` and `restore`. */
  @ApiPropertyOptional({ type: TaskView }) task?: TaskView;
  @ApiPropertyOptional({ allOf: [{ $ref: '#/components/schemas/Problem' }] }) problem?: Problem;
}

export class BulkView {
  /** In the order of the operations. */
  @ApiProperty({ type: [BulkResult] }) results: BulkResult[];
}

const STATUS = { create: 201, update: 200, restore: 200, delete: 204 } as const;

/** @param request whose id and path the problems name */
export function bulkResult(
  outcome: Outcome,
  request: { readonly id: string; readonly path: string },
  publicUrl: string,
): BulkResult {
  if ('failed' in outcome) {
    const error = toDomainError(outcome.failed);
    return { status: statusOfKind[error.kind], problem: problemOf(error, request, publicUrl) };
  }
  const status = STATUS[outcome.done];
  return outcome.done === 'delete' ? { status } : { status, task: taskView(outcome.task) };
}
