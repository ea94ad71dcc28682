import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { InjectConnection } from '@nestjs/mongoose';
import mongoose, { type Connection } from 'mongoose';
import { AppConfig } from '../../config/config.js';
import { connectOptions } from './connect-options.js';
import type { Migration } from './migration.js';
import { Migrations } from './migrations.js';

const RETRY_MS = 1000;

/**
 * The first contact with the database. A process starts without one, answers its probes, and becomes ready when it
 * connected, the database has had every migration, and every registered step succeeded once (revocations, the first
 * admin). What is lost later is `degraded`, not "not ready".
 */
@Injectable()
export class DatabaseReadiness implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger(DatabaseReadiness.name);
  private readonly steps: { readonly name: string; readonly run: () => Promise<void> }[] = [];
  private closing = false;
  private established = false;
  private timer?: NodeJS.Timeout;
  private announce!: () => void;
  private readonly ready = new Promise<void>((resolve) => (this.announce = resolve));

  constructor(
    @InjectConnection() private readonly connection: Connection,
    private readonly config: AppConfig,
    private readonly migrations: readonly Migration[],
  ) {}

  get isReady(): boolean {
    return this.established && !this.closing;
  }

  /** Whether the process was told to stop: it still answers, and traffic should go elsewhere. */
  get isDraining(): boolean {
    return this.closing;
  }

  /** Resolves after the first contact. */
  whenReady(): Promise<void> {
    return this.ready;
  }

  /** Registers a step of the first contact; steps run in order of registration and must bear being run again. */
  onFirstContact(name: string, run: () => Promise<void>): void {
    this.steps.push({ name, run });
  }

  /** Waits for one attempt, so that a start with a database at hand is ready when it listens. */
  async onApplicationBootstrap(): Promise<void> {
    await this.attempt();
  }

  onApplicationShutdown(): void {
    this.stopAccepting();
    clearTimeout(this.timer);
  }

  /** From here on the process is not ready: it drains. */
  stopAccepting(): void {
    this.closing = true;
  }

  private async attempt(): Promise<void> {
    let step = 'connect';
    try {
      await this.connect();
      step = 'migrations';
      await this.migrate();
      for (const { name, run } of this.steps) {
        step = name;
        await run();
      }
      this.established = true;
      this.announce();
    } catch (error) {
      if (this.closing) return;
      this.logger.warn(`not ready yet, ${step}: ${(error as Error).message}`);
      this.timer = setTimeout(() => void this.attempt(), RETRY_MS).unref();
    }
  }

  private async connect(): Promise<void> {
    const { readyState } = this.connection;
    if (readyState === mongoose.ConnectionStates.connected) return;
    if (readyState === mongoose.ConnectionStates.connecting) await this.connection.asPromise();
    else await this.connection.openUri(this.uri, connectOptions(this.config));
  }

  /** Where it is not for this process to migrate, it waits until somebody has done so. */
  private async migrate(): Promise<void> {
    const log = (line: string): void => this.logger.log(line);
    const pending = await new Migrations(this.connection, this.migrations, log).pending();
    if (pending.length === 0) return;
    if (!this.config.mongo.migrateAtStart)
      throw new Error(`${pending.map(({ name }) => name).join(', ')} pending: run \`npm run migrate\``);
    await Migrations.at(this.uri, this.migrations, log, (migrations) => migrations.apply());
  }

  private get uri(): string {
    return this.connection.get('taskflowUri') as string;
  }
}
