// N2: a NestJS application as the documentation shows one: passport-jwt with a string secret, the stock throttler on
// Redis, the stock cache interceptor, hydrated Mongoose documents and the class serializer, on Express.
import 'reflect-metadata';
import { CacheInterceptor, CacheModule, CacheTTL } from '@nestjs/cache-manager';
import {
  ClassSerializerInterceptor,
  Controller,
  createParamDecorator,
  Get,
  Injectable,
  Module,
  UseGuards,
  UseInterceptors,
  ValidationPipe,
  type ExecutionContext,
} from '@nestjs/common';
import { APP_GUARD, NestFactory, Reflector } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { InjectModel, MongooseModule } from '@nestjs/mongoose';
import { AuthGuard, PassportModule, PassportStrategy } from '@nestjs/passport';
import { seconds, ThrottlerGuard, ThrottlerModule, type ThrottlerStorage } from '@nestjs/throttler';
import { Expose, plainToInstance, Transform } from 'class-transformer';
import type { Request } from 'express';
import { Redis } from 'ioredis';
import type { Model } from 'mongoose';
import { ExtractJwt, Strategy } from 'passport-jwt';
import { taskSchema, userSchema, type TaskRow, type UserRow } from './models.js';
import { announce, settings } from './settings.js';
import { statsOf } from './stats.js';

interface Holder {
  readonly userId: string;
}

const CurrentUser = createParamDecorator(
  (_: unknown, context: ExecutionContext) => context.switchToHttp().getRequest<Request & { user: Holder }>().user,
);

/** The counter that every package of this kind keeps in Redis. */
class RedisThrottlerStorage implements ThrottlerStorage {
  private readonly redis = new Redis(settings.redisUrl);

  async increment(key: string, ttl: number, limit: number): ReturnType<ThrottlerStorage['increment']> {
    const [[, totalHits], [, left]] = (await this.redis.multi().incr(`n2:${key}`).pttl(`n2:${key}`).exec()) as [
      [null, number],
      [null, number],
    ];
    if (left < 0) await this.redis.pexpire(`n2:${key}`, ttl);
    const isBlocked = totalHits > limit;
    const timeToExpire = Math.ceil((left < 0 ? ttl : left) / 1000);
    return { totalHits, timeToExpire, isBlocked, timeToBlockExpire: isBlocked ? timeToExpire : 0 };
  }
}

@Injectable()
class JwtStrategy extends PassportStrategy(Strategy) {
  constructor() {
    super({ jwtFromRequest: ExtractJwt.fromAuthHeaderAsBearerToken(), secretOrKey: settings.hmacSecret });
  }

  validate(payload: { sub: string }): Holder {
    return { userId: payload.sub };
  }
}

/** The stock interceptor gives one person's answer to the next, so everybody overrides this. */
@Injectable()
class UserCacheInterceptor extends CacheInterceptor {
  override trackBy(context: ExecutionContext): string {
    const request = context.switchToHttp().getRequest<Request & { user: Holder }>();
    return `${request.url}:${request.user.userId}`;
  }
}

class TaskDto {
  @Expose() id: string;
  @Expose() title: string;
  @Expose() description: string;
  @Expose() status: string;
  @Expose() @Transform(({ value }) => ['low', 'medium', 'high', 'urgent'][value as number]) priority: string;
  @Expose() @Transform(({ value, obj }) => ((obj as TaskRow).dated ? (value as Date) : null)) dueAt: Date | null;
  @Expose() tags: string[];
  @Expose() completedAt: Date | null;
  @Expose() createdAt: Date;
  @Expose() updatedAt: Date;
  @Expose() deletedAt: Date | null;
  @Expose() version: number;
}

class UserDto {
  @Expose() id: string;
  @Expose() email: string;
  @Expose() name: string;
  @Expose() role: string;
  @Expose() status: string;
  @Expose() emailVerified: boolean;
  @Expose() timeZone: string;
  @Expose() locale: string;
  @Expose() createdAt: Date;
  @Expose() updatedAt: Date;
}

@Injectable()
class TasksService {
  constructor(@InjectModel('Task') private readonly tasks: Model<TaskRow>) {}

  stats(userId: string): Promise<object> {
    return statsOf(this.tasks, userId);
  }

  async page(userId: string): Promise<{ items: TaskDto[]; nextCursor: string | null }> {
    const found = await this.tasks.find({ owner: userId, place: 'live' }).sort({ createdAt: -1, _id: -1 }).limit(20);
    const items = found.map((task) =>
      plainToInstance(TaskDto, { ...task.toObject(), id: task.id }, { excludeExtraneousValues: true }),
    );
    return { items, nextCursor: found.at(-1)?.id ?? null };
  }
}

@Controller('api/v1/tasks')
@UseGuards(AuthGuard('jwt'))
@UseInterceptors(ClassSerializerInterceptor)
class TasksController {
  constructor(private readonly tasks: TasksService) {}

  @Get('stats')
  @UseInterceptors(UserCacheInterceptor)
  @CacheTTL(300_000)
  stats(@CurrentUser() user: Holder): Promise<object> {
    return this.tasks.stats(user.userId);
  }

  @Get()
  page(@CurrentUser() user: Holder): Promise<{ items: TaskDto[]; nextCursor: string | null }> {
    return this.tasks.page(user.userId);
  }
}

@Controller('api/v1/users')
@UseGuards(AuthGuard('jwt'))
@UseInterceptors(ClassSerializerInterceptor)
class UsersController {
  constructor(@InjectModel('User') private readonly users: Model<UserRow>) {}

  @Get('me')
  @UseInterceptors(UserCacheInterceptor)
  @CacheTTL(600_000)
  async me(@CurrentUser() { userId }: Holder): Promise<UserDto> {
    const user = (await this.users.findById(userId))!;
    return plainToInstance(UserDto, { ...user.toObject(), id: userId }, { excludeExtraneousValues: true });
  }
}

@Module({
  imports: [
    MongooseModule.forRoot(settings.mongoUri, { autoIndex: false }),
    MongooseModule.forFeature([
      { name: 'Task', schema: taskSchema },
      { name: 'User', schema: userSchema },
    ]),
    PassportModule,
    CacheModule.register({ isGlobal: true }),
    ThrottlerModule.forRoot({
      throttlers: [{ ttl: seconds(60), limit: 1_000_000 }],
      storage: new RedisThrottlerStorage(),
    }),
  ],
  controllers: [TasksController, UsersController],
  providers: [JwtStrategy, TasksService, Reflector, { provide: APP_GUARD, useClass: ThrottlerGuard }],
})
class AppModule {}

// By hand, because Nest looks for it beside itself, which is in the project above.
const app = await NestFactory.create(AppModule, new ExpressAdapter(), { logger: ['error', 'warn'] });
app.useGlobalPipes(new ValidationPipe({ whitelist: true, transform: true }));
await app.listen(0, '127.0.0.1');
announce(new URL(await app.getUrl()).port);
