import { Injectable } from '@nestjs/common';
import { InjectConnection } from '@nestjs/mongoose';
import mongoose, { type Connection } from 'mongoose';
import { AppConfig } from '../../config/config.js';
import { Metrics } from '../metrics/metrics.js';
import { DatabaseReadiness } from './database-readiness.js';

type Client = ReturnType<Connection['getClient']>;

/** What is known of the connections to one server, by their number. */
class Pool {
  readonly known = new Set<number>();
  readonly inUse = new Set<number>();
  waiting = 0;
}

/** Readiness, and the connections as the driver tells of them: one pool a server. */
@Injectable()
export class MongoMetrics {
  private readonly pools = new Map<string, Pool>();
  private readonly failures;
  private watched?: Client;

  constructor(
    @InjectConnection() private readonly connection: Connection,
    config: AppConfig,
    readiness: DatabaseReadiness,
    metrics: Metrics,
  ) {
    const { connected } = mongoose.ConnectionStates;
    metrics.measured('taskflow_ready', 'Whether traffic may come', () => Number(readiness.isReady));
    metrics.measured('taskflow_mongodb_connected', 'Whether the driver has a usable server', () =>
      Number(connection.readyState === connected),
    );
    metrics.gauge('taskflow_mongodb_pool_connections', 'Connections', ['server', 'state'], (gauge) => {
      gauge.reset();
      for (const [server, { known, inUse }] of this.pools) {
        gauge.set({ server, state: 'in_use' }, inUse.size);
        gauge.set({ server, state: 'idle' }, known.size - inUse.size);
      }
    });
    metrics.gauge('taskflow_mongodb_pool_waiting', 'Operations that wait for a connection', ['server'], (gauge) => {
      gauge.reset();
      for (const [server, { waiting }] of this.pools) gauge.set({ server }, waiting);
    });
    metrics
      .gauge('taskflow_mongodb_pool_max_connections', 'Connections that a pool may have', [])
      .set(config.mongo.maxPoolSize);
    this.failures = metrics.counter('taskflow_mongodb_checkout_failures_total', 'Operations without a connection', [
      'reason',
    ]);
    // A connection that is opened anew has another client.
    if (config.metrics) connection.on('connected', () => this.watch());
  }

  private watch(): void {
    const client = this.connection.getClient();
    if (client === this.watched) return;
    this.watched = client;
    this.pools.clear();
    const told = (listen: (pool: Pool, id: number) => void) => (event: { address: string; connectionId?: unknown }) => {
      if (client === this.watched) listen(this.poolOf(event.address), Number(event.connectionId));
    };
    client.on(
      'connectionReady',
      told(({ known }, id) => known.add(id)),
    );
    client.on(
      'connectionCheckOutStarted',
      told((pool) => pool.waiting++),
    );
    client.on(
      'connectionCheckedOut',
      told((pool, id) => checkOut(pool, id)),
    );
    client.on(
      'connectionCheckedIn',
      told(({ inUse }, id) => inUse.delete(id)),
    );
    client.on(
      'connectionClosed',
      told((pool, id) => close(pool, id)),
    );
    client.on('connectionCheckOutFailed', (event) => {
      this.failures.inc({ reason: event.reason });
      told((pool) => endWait(pool))(event);
    });
    client.on('connectionPoolClosed', ({ address }) => void this.pools.delete(address));
  }

  private poolOf(address: string): Pool {
    let pool = this.pools.get(address);
    if (!pool) this.pools.set(address, (pool = new Pool()));
    return pool;
  }
}

/** One that waited before anybody listened was not counted. */
function endWait(pool: Pool): void {
  pool.waiting = Math.max(0, pool.waiting - 1);
}

function checkOut(pool: Pool, id: number): void {
  endWait(pool);
  pool.known.add(id);
  pool.inUse.add(id);
}

function close({ known, inUse }: Pool, id: number): void {
  known.delete(id);
  inUse.delete(id);
}
