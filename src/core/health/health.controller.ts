import { Controller, Get, Optional, Res, VERSION_NEUTRAL } from '@nestjs/common';
import { ApiServiceUnavailableResponse, ApiTags } from '@nestjs/swagger';
import { HealthCheckService, MongooseHealthIndicator, type HealthIndicatorResult } from '@nestjs/terminus';
import { SkipThrottle } from '@nestjs/throttler';
import type { FastifyReply } from 'fastify';
import { DatabaseReadiness } from '../mongo/database-readiness.js';
import { RequestRedis } from '../redis/request-redis.js';
import { Public } from '../security/access.js';
import { HealthView, LiveView } from './health.view.js';

const PING_TIMEOUT_MS = 500;
const RETRY_AFTER_SECONDS = 2;

/** Probes for operators and Kubernetes. Liveness asks no dependency: restarting a pod does not repair a database. */
@ApiTags('health')
@SkipThrottle()
@Public()
@Controller({ path: 'health', version: VERSION_NEUTRAL })
export class HealthController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly mongo: MongooseHealthIndicator,
    private readonly readiness: DatabaseReadiness,
    @Optional() private readonly redis?: RequestRedis,
  ) {}

  /** Whether the program can serve, with a line per dependency. */
  @Get()
  @ApiServiceUnavailableResponse({ type: HealthView, description: 'It cannot.' })
  async overall(@Res({ passthrough: true }) reply: FastifyReply): Promise<HealthView> {
    const checks = await this.checks();
    if (checks['mongo'] !== 'up' || !this.readiness.isReady) {
      reply.status(503).header('retry-after', RETRY_AFTER_SECONDS);
      return { status: 'error', checks, ...(this.readiness.isDraining ? { draining: true } : {}) };
    }
    return { status: isAllUp(checks) ? 'ok' : 'degraded', checks };
  }

  /** Whether the process runs. */
  @Get('live')
  live(): LiveView {
    return { status: 'ok' };
  }

  /** Whether traffic may come: not before the first contact with the database, and not while the process drains. */
  @Get('ready')
  @ApiServiceUnavailableResponse({ type: HealthView, description: 'Not now.' })
  async ready(@Res({ passthrough: true }) reply: FastifyReply): Promise<HealthView> {
    const checks = await this.checks();
    if (!this.readiness.isReady) {
      reply.status(503).header('retry-after', RETRY_AFTER_SECONDS);
      return { status: 'error', checks, ...(this.readiness.isDraining ? { draining: true } : {}) };
    }
    return { status: isAllUp(checks) ? 'ok' : 'degraded', checks };
  }

  private async checks(): Promise<HealthView['checks']> {
    const [mongo, redis] = await Promise.all([this.checkMongo(), this.redis?.isUp()]);
    return { ...mongo, ...(redis === undefined ? {} : { redis: redis ? 'up' : 'down' }) };
  }

  private async checkMongo(): Promise<HealthView['checks']> {
    const result = await this.health.check([() => this.mongo.pingCheck('mongo').withTimeout(PING_TIMEOUT_MS)]).catch(
      // Terminus throws a 503 of its own shape; the indicators are in it.
      (error: { getResponse(): { details: HealthIndicatorResult } }) => error.getResponse(),
    );
    return Object.fromEntries(Object.entries(result.details).map(([name, { status }]) => [name, status]));
  }
}

const isAllUp = (checks: HealthView['checks']): boolean => Object.values(checks).every((status) => status === 'up');
