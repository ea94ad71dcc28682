// What lies between R3 and TaskFlow and is not TaskFlow's: the header fields of helmet, and Nest.
import 'reflect-metadata';
import helmet from '@fastify/helmet';
import {
  Controller,
  Get,
  Injectable,
  Module,
  Req,
  type CallHandler,
  type CanActivate,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import { APP_GUARD, APP_INTERCEPTOR, NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { of, type Observable } from 'rxjs';
import { RedisAnswers } from './redis.js';
import { announce, STATS } from './settings.js';
import { admit } from './tokens.js';

const answers = new RedisAnswers();
await answers.prepare();
const found = new WeakMap<FastifyRequest, Buffer>();

/** The token, and the one round trip. */
@Injectable()
class Gate implements CanActivate {
  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const reply = context.switchToHttp().getResponse<FastifyReply>();
    if (!admit(request, reply)) return false;
    const body = await answers.find(STATS, request, reply);
    if (body) found.set(request, body);
    return true;
  }
}

/** Answers with what the guard has found. */
@Injectable()
class Hit implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const body = found.get(context.switchToHttp().getRequest<FastifyRequest>());
    return body ? of(body) : next.handle();
  }
}

@Controller('api/v1/tasks')
class TasksController {
  @Get('stats')
  stats(@Req() request: FastifyRequest): Buffer | undefined {
    return found.get(request);
  }
}

@Module({
  controllers: [TasksController],
  providers: [
    { provide: APP_GUARD, useClass: Gate },
    { provide: APP_INTERCEPTOR, useClass: Hit },
  ],
})
class AppModule {}

const app = await NestFactory.create<NestFastifyApplication>(AppModule, new FastifyAdapter(), {
  logger: ['error', 'warn'],
});
await app.register(helmet);
await app.listen(0, '127.0.0.1');
announce(new URL(await app.getUrl()).port);
