import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Put, Query, Res } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { Cached } from '../../core/cache/cache.interceptor.js';
import { Perishable } from '../../core/cache/perishable.js';
import { WriteContended } from '../../core/errors/core.errors.js';
import { IfMatch, Versioned, type Precondition } from '../../core/http/conditional.js';
import { IdempotencyKey, IdempotencyKeyReused } from '../../core/idempotency/idempotency.js';
import { AnswerHeaders } from '../../core/openapi/answer-headers.decorator.js';
import { Problems } from '../../core/openapi/problems.decorator.js';
import { Paged } from '../../core/paging/page.js';
import { CurrentUser, type Principal } from '../../core/security/principal.js';
import { CreateTask, DeleteTask, UpdateTask } from './task.dto.js';
import { TaskIdPipe } from './task-id.pipe.js';
import { ListTasks } from './task-list.dto.js';
import { TaskStatsService } from './task-stats.service.js';
import { TaskStatsView } from './task-stats.view.js';
import { taskView, TaskPageView, TaskView } from './task.view.js';
import { TaskNotFound, TaskStale } from './tasks.errors.js';
import { tasksCache } from './tasks.cache.js';
import { TaskListService } from './task-list.service.js';
import { TasksService } from './tasks.service.js';

@ApiTags('tasks')
@ApiBearerAuth('bearer')
@Controller('tasks')
export class TasksController {
  constructor(
    private readonly tasks: TasksService,
    private readonly lists: TaskListService,
    private readonly numbers: TaskStatsService,
  ) {}

  /** Creates a task. With an `Idempotency-Key` a repeated request answers the task it made before. */
  @Post()
  @Versioned()
  @AnswerHeaders({ Location: 'Of the task.', 'Idempotency-Replayed': '`true` when the key was used before.' })
  @Problems(IdempotencyKeyReused)
  async create(
    @CurrentUser() { userId }: Principal,
    @Body() input: CreateTask,
    @IdempotencyKey() key: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<TaskView> {
    const { task, isReplay } = await this.tasks.create(userId, input, key);
    reply.header('location', `/api/v1/tasks/${task.id}`);
    if (isReplay) reply.header('idempotency-replayed', 'true');
    return taskView(task);
  }

  /** Your tasks, a page at a time. */
  @Get()
  @ApiOkResponse({ type: TaskPageView })
  @Paged()
  @Cached(tasksCache.firstPage)
  async list(@CurrentUser() { userId }: Principal, @Query() query: ListTasks): Promise<Perishable<TaskPageView>> {
    const { value, until } = await this.lists.list(userId, query);
    return new Perishable({ ...value, items: value.items.map(taskView) }, until);
  }

  /** Your live tasks in numbers. Today is a day of your time zone. */
  @Get('stats')
  @ApiOkResponse({ type: TaskStatsView })
  @Cached(tasksCache.stats)
  async stats(@CurrentUser() { userId }: Principal): Promise<Perishable<TaskStatsView>> {
    return this.numbers.own(userId);
  }

  /** One task, also from the trash. */
  @Get(':id')
  @Versioned()
  @Problems(TaskNotFound)
  async get(@CurrentUser() { userId }: Principal, @Param('id', TaskIdPipe) id: string): Promise<TaskView> {
    return taskView(await this.tasks.get(userId, id));
  }

  /** Changes what the patch names (RFC 7396). */
  @Patch(':id')
  @Problems(TaskNotFound, TaskStale, WriteContended)
  @Versioned()
  async update(
    @CurrentUser() { userId }: Principal,
    @Param('id', TaskIdPipe) id: string,
    @Body() change: UpdateTask,
    @IfMatch() precondition?: Precondition,
  ): Promise<TaskView> {
    return taskView(await this.tasks.update(userId, id, change, precondition));
  }

  /** Replaces the whole task: what is left out gets its default. */
  @Put(':id')
  @Problems(TaskNotFound, TaskStale, WriteContended)
  @Versioned()
  async replace(
    @CurrentUser() { userId }: Principal,
    @Param('id', TaskIdPipe) id: string,
    @Body() input: CreateTask,
    @IfMatch() precondition?: Precondition,
  ): Promise<TaskView> {
    return taskView(await this.tasks.replace(userId, id, input, precondition));
  }

  /** Into the trash for 30 days, or for good. */
  @Delete(':id')
  @Problems(TaskNotFound, TaskStale, WriteContended)
  @HttpCode(204)
  async delete(
    @CurrentUser() { userId }: Principal,
    @Param('id', TaskIdPipe) id: string,
    @Query() query: DeleteTask,
    @IfMatch() precondition?: Precondition,
  ): Promise<void> {
    await this.tasks.delete(userId, id, query, precondition);
  }

  /** Out of the trash. */
  @Post(':id/restore')
  @Problems(TaskNotFound, TaskStale, WriteContended)
  @HttpCode(200)
  @Versioned()
  async restore(
    @CurrentUser() { userId }: Principal,
    @Param('id', TaskIdPipe) id: string,
    @IfMatch() precondition?: Precondition,
  ): Promise<TaskView> {
    return taskView(await this.tasks.restore(userId, id, precondition));
  }
}
