import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { InjectConnection } from '@nestjs/mongoose';
import mongoose, { type Connection } from 'mongoose';
import { AppConfig } from '../../config/config.js';
import { connectOptions } from './connect-options.js';

const LOOK_MS = 1000;
/** Longer than the driver's own recovery takes when nothing is wrong with it. */
const PATIENCE_MS = 4000;

/**
 * Opens the connection anew when it stays lost. The driver (7.8) normally finds a returned server within a second, but
 * its monitor can wait for ever: a heartbeat that is sent in the moment in which its socket closes gets neither an
 * answer nor an error. Measured with requests in flight when a frozen server is killed; test/api/outage.spec.ts.
 */
@Injectable()
export class ConnectionWatchdog implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger(ConnectionWatchdog.name);
  private timer?: NodeJS.Timeout;
  private lostAt?: number;
  private stopped = false;

  constructor(
    @InjectConnection() private readonly connection: Connection,
    private readonly config: AppConfig,
  ) {}

  onApplicationBootstrap(): void {
    this.schedule();
  }

  onApplicationShutdown(): void {
    this.stopped = true;
    clearTimeout(this.timer);
  }

  private schedule(): void {
    if (!this.stopped) this.timer = setTimeout(() => void this.look(), LOOK_MS).unref();
  }

  private async look(): Promise<void> {
    const isLost = this.connection.readyState === mongoose.ConnectionStates.disconnected;
    this.lostAt = isLost ? (this.lostAt ?? performance.now()) : undefined;
    if (this.lostAt !== undefined && performance.now() - this.lostAt >= PATIENCE_MS) await this.reopen();
    this.schedule();
  }

  private async reopen(): Promise<void> {
    this.lostAt = undefined;
    try {
      await this.connection.close();
      if (this.stopped) return;
      await this.connection.openUri(this.connection.get('taskflowUri') as string, connectOptions(this.config));
      this.logger.log('opened the connection anew');
    } catch (error) {
      this.logger.warn(`the connection stays lost: ${(error as Error).message}`);
    }
  }
}
