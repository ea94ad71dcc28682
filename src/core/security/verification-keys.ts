import { Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import type { KeyObject } from 'node:crypto';
import { AppConfig } from '../../config/config.js';
import { DatabaseReadiness } from '../mongo/database-readiness.js';
import { fetchKeys } from './jwks.js';

/** How soon a withdrawn key is refused. A new one is found sooner: by the first token it signed. */
const REFRESH_MS = 60_000;
/** Whoever forges `kid`s makes this process ask no more often than that. */
const UNKNOWN_PAUSE_MS = 5000;

/**
 * The public keys that verify access tokens: those of the configuration and, in a process without auth, those at
 * `JWT_JWKS_URL`. What was fetched last stays good while the address is away; before it was fetched once, the process
 * is not ready.
 */
@Injectable()
export class VerificationKeys implements OnModuleInit, OnApplicationShutdown {
  private readonly logger = new Logger(VerificationKeys.name);
  private readonly configured: ReadonlyMap<string, KeyObject>;
  private fetched: ReadonlyMap<string, KeyObject> = new Map();
  private fetching?: Promise<void>;
  private askedMs = -Infinity;
  private timer?: NodeJS.Timeout;
  private onWithdrawn = (): void => undefined;

  constructor(
    private readonly config: AppConfig,
    private readonly readiness: DatabaseReadiness,
  ) {
    this.configured = new Map(config.jwt.keys.map(({ kid, publicKey }) => [kid, publicKey]));
  }

  onModuleInit(): void {
    if (!this.config.jwt.jwksUrl) return;
    this.readiness.onFirstContact('fetch the keys of JWT_JWKS_URL', () => this.fetch());
    this.timer = setInterval(() => void this.refresh(), REFRESH_MS).unref();
  }

  onApplicationShutdown(): void {
    clearInterval(this.timer);
  }

  /** Calls `listener` when a key is no longer listed: what it signed counts for nothing, verified before or not. */
  whenWithdrawn(listener: () => void): void {
    this.onWithdrawn = listener;
  }

  /** The key that signed a token, if it is one of ours; a new one may have to be fetched. */
  async find(kid: string): Promise<KeyObject | undefined> {
    if (!this.has(kid) && this.mayAsk()) await this.refresh();
    return this.configured.get(kid) ?? this.fetched.get(kid);
  }

  private has(kid: string): boolean {
    return this.configured.has(kid) || this.fetched.has(kid);
  }

  private mayAsk(): boolean {
    if (!this.config.jwt.jwksUrl) return false;
    // Whoever comes while it is fetched waits for the same answer.
    return this.fetching !== undefined || performance.now() - this.askedMs >= UNKNOWN_PAUSE_MS;
  }

  private async refresh(): Promise<void> {
    await this.fetch().catch((error: Error) => {
      this.logger.warn(`the keys of JWT_JWKS_URL stay as they were: ${error.message}`);
    });
  }

  private fetch(): Promise<void> {
    this.fetching ??= this.replace().finally(() => (this.fetching = undefined));
    return this.fetching;
  }

  private async replace(): Promise<void> {
    this.askedMs = performance.now();
    const known = this.fetched;
    this.fetched = await fetchKeys(this.config.jwt.jwksUrl!);
    if ([...known].some(([kid, key]) => !this.fetched.get(kid)?.equals(key))) this.onWithdrawn();
  }
}
