import { Controller, Get, Header, Headers, VERSION_NEUTRAL } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { SkipThrottle } from '@nestjs/throttler';
import { createHash, timingSafeEqual } from 'node:crypto';
import { AppConfig } from '../../config/config.js';
import { RouteNotFound, TokenInvalid, TokenMissing } from '../errors/core.errors.js';
import { Public } from '../security/access.js';
import { Metrics } from './metrics.js';

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/** `GET /metrics` for Prometheus. */
@ApiExcludeController()
@SkipThrottle()
@Public()
@Controller({ path: 'metrics', version: VERSION_NEUTRAL })
export class MetricsController {
  constructor(
    private readonly config: AppConfig,
    private readonly metrics: Metrics,
  ) {}

  @Get()
  @Header('content-type', 'text/plain; version=0.0.4; charset=utf-8')
  async scrape(@Headers('authorization') authorization: string | undefined): Promise<string> {
    const { metrics, metricsToken, production } = this.config;
    if (!metrics || (!metricsToken && production)) throw new RouteNotFound();
    if (metricsToken) {
      if (!authorization) throw new TokenMissing();
      // Hashes have one length, so that the comparison takes the same time for any guess.
      if (!timingSafeEqual(digest(authorization), digest(`Bearer ${metricsToken}`))) throw new TokenInvalid();
    }
    return this.metrics.registry.metrics();
  }
}
