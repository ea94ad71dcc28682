import { Global, Logger, Module, type DynamicModule } from '@nestjs/common';
import { getConnectionToken, MongooseModule } from '@nestjs/mongoose';
import mongoose, { type Connection } from 'mongoose';
import { AppConfig } from '../../config/config.js';
import { connectOptions } from './connect-options.js';
import { ConnectionWatchdog } from './connection-watchdog.js';
import { DatabaseReadiness } from './database-readiness.js';
import { LEASE_MODEL, leaseSchema } from './lease.schema.js';
import { Leases } from './lease.repository.js';
import type { Migration } from './migration.js';
import { MongoCommands } from './mongo-commands.js';
import { MongoMetrics } from './mongo-metrics.js';

// A filter reaches the server as it was written, or not at all.
mongoose.set('strictQuery', 'throw');

/** The one MongoDB connection. `uri` is the embedded server's address or `MONGODB_URI`; `migrations` are of this release. */
@Global()
@Module({})
export class MongoModule {
  static at(uri: string, migrations: readonly Migration[]): DynamicModule {
    return {
      module: MongoModule,
      imports: [
        MongooseModule.forRootAsync({
          inject: [AppConfig],
          useFactory: (config: AppConfig) => ({
            uri,
            ...connectOptions(config),
            retryAttempts: 0,
            lazyConnection: true,
            connectionFactory: (connection: Connection) => watched(connection, uri, config),
          }),
        }),
        MongooseModule.forFeature([{ name: LEASE_MODEL, schema: leaseSchema }]),
      ],
      providers: [
        {
          provide: DatabaseReadiness,
          inject: [getConnectionToken(), AppConfig],
          useFactory: (connection: Connection, config: AppConfig) =>
            new DatabaseReadiness(connection, config, migrations),
        },
        ConnectionWatchdog,
        Leases,
        MongoCommands,
        MongoMetrics,
      ],
      exports: [DatabaseReadiness, Leases, MongooseModule],
    };
  }
}

/** A lazy connection without a server would end the process with an unhandled rejection. */
function watched(connection: Connection, uri: string, { mongo }: AppConfig): Connection {
  const logger = new Logger('MongoDB');
  connection.set('taskflowUri', uri);
  // The server gives up with the client, so that an abandoned query does not go on.
  connection.set('maxTimeMS', mongo.operationTimeoutMs);
  connection.on('error', (error: Error) => logger.warn(error.message));
  connection.on('disconnected', () => logger.warn('disconnected'));
  connection.asPromise().catch(() => undefined); // DatabaseReadiness reports it and tries again
  return connection;
}
