import { Module, type OnModuleInit } from '@nestjs/common';
import { InjectModel, MongooseModule } from '@nestjs/mongoose';
import type { Model } from 'mongoose';
import { OutboxRelay } from '../../core/events/outbox.relay.js';
import { OutboxRepository } from '../../core/events/outbox.repository.js';
import { UsersModule } from '../users/index.js';
import { TASK_MODEL, taskSchema, type TaskDocument } from './task.schema.js';
import { TaskBulkController } from './task-bulk.controller.js';
import { TaskBulkService } from './task-bulk.service.js';
import { TaskDeadlines } from './task-deadlines.repository.js';
import { TaskListRepository } from './task-list.repository.js';
import { TaskWriter } from './task-writer.js';
import { TasksController } from './tasks.controller.js';
import { TaskListService } from './task-list.service.js';
import { TasksRepository } from './tasks.repository.js';
import { TasksService } from './tasks.service.js';
import { TaskStatsRepository } from './task-stats.repository.js';
import { TaskStatsService } from './task-stats.service.js';
import { TrashSweeper } from './trash.sweeper.js';
import { UserGoneListener } from './user-gone.listener.js';

@Module({
  imports: [MongooseModule.forFeature([{ name: TASK_MODEL, schema: taskSchema }]), UsersModule],
  providers: [
    TasksRepository,
    TaskListRepository,
    TaskStatsRepository,
    TaskDeadlines,
    TaskWriter,
    TasksService,
    TaskListService,
    TaskStatsService,
    TaskBulkService,
    TrashSweeper,
    UserGoneListener,
  ],
  exports: [TasksService, TaskDeadlines, TaskListService, TaskStatsService, TaskBulkService],
})
export class TasksModule implements OnModuleInit {
  constructor(
    @InjectModel(TASK_MODEL) private readonly model: Model<TaskDocument>,
    private readonly relay: OutboxRelay,
  ) {}

  onModuleInit(): void {
    this.relay.addSource(new OutboxRepository('tasks', this.model, { place: 'gone' }));
  }
}

/** What `MODULES=tasks` serves. */
@Module({ imports: [TasksModule], controllers: [TasksController, TaskBulkController] })
export class TasksRoutes {}
