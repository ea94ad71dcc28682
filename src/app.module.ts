import { Module, type DynamicModule, type Type } from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_PIPE, DiscoveryModule } from '@nestjs/core';
import type { AppConfig } from './config/config.js';
import { ConfigModule } from './config/config.module.js';
import type { ModuleName } from './config/modules.js';
import { CacheModule } from './core/cache/cache.module.js';
import { ProblemFilter } from './core/errors/problem.filter.js';
import { EventsModule } from './core/events/events.module.js';
import { HealthModule } from './core/health/health.module.js';
import { InputCheck } from './core/http/input-check.js';
import { InputPipe } from './core/http/validation.pipe.js';
import { JobsModule } from './core/jobs/jobs.module.js';
import { MetricsModule } from './core/metrics/metrics.module.js';
import { MongoModule } from './core/mongo/mongo.module.js';
import { OpenApiModule } from './core/openapi/openapi.module.js';
import { PagingModule } from './core/paging/paging.module.js';
import { RateLimitGuard } from './core/rate-limit/rate-limit.guard.js';
import { RateLimitModule } from './core/rate-limit/rate-limit.module.js';
import { RedisModule } from './core/redis/redis.module.js';
import { RequestGateModule } from './core/request-gate/request-gate.module.js';
import { AccessGuard } from './core/security/access.guard.js';
import { AuthenticationGuard } from './core/security/authentication.guard.js';
import { SecurityModule } from './core/security/security.module.js';
import { TimeModule } from './core/time/clock.js';
import { MIGRATIONS } from './migrations/index.js';
import { AdminModule, AdminRoutes } from './modules/admin/index.js';
import { AccountRoutes, AuthModule, AuthRoutes } from './modules/auth/index.js';
import {
  DELIVERY_QUEUES,
  NotificationsModule,
  NotificationsRoutes,
  RealtimeRoutes,
} from './modules/notifications/index.js';
import { TasksModule, TasksRoutes } from './modules/tasks/index.js';
import { UsersModule, UsersRoutes } from './modules/users/index.js';

/** What `MODULES` chooses. The providers are in every process: modules use each other without HTTP in between. */
const ROUTES: Readonly<Record<ModuleName, readonly Type[]>> = {
  auth: [AuthRoutes],
  users: [UsersRoutes, AccountRoutes],
  tasks: [TasksRoutes],
  notifications: [NotificationsRoutes, RealtimeRoutes],
  admin: [AdminRoutes],
};

@Module({})
export class AppModule {
  /** @param mongoUri where the documents are: `MONGODB_URI`, or the embedded server's address */
  static with(config: AppConfig, mongoUri: string): DynamicModule {
    return {
      module: AppModule,
      imports: [
        ConfigModule.with(config),
        TimeModule,
        MetricsModule,
        MongoModule.at(mongoUri, MIGRATIONS),
        RedisModule.for(config),
        EventsModule,
        JobsModule.for(config, DELIVERY_QUEUES),
        CacheModule,
        RateLimitModule,
        RequestGateModule,
        SecurityModule,
        PagingModule,
        HealthModule,
        OpenApiModule,
        DiscoveryModule,
        UsersModule,
        TasksModule,
        AuthModule,
        NotificationsModule,
        AdminModule,
        ...(config.role === 'worker' ? [] : config.modules.flatMap((name) => ROUTES[name])),
      ],
      providers: [
        InputCheck,
        ProblemFilter,
        { provide: APP_FILTER, useExisting: ProblemFilter },
        // In this order: who is it, how often may they ask, may they come in.
        { provide: APP_GUARD, useClass: AuthenticationGuard },
        { provide: APP_GUARD, useClass: RateLimitGuard },
        { provide: APP_GUARD, useClass: AccessGuard },
        { provide: APP_PIPE, useClass: InputPipe },
        // No global interceptor: one costs every request an observable.
      ],
    };
  }
}
