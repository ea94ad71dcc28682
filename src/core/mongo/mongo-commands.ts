import { Injectable } from '@nestjs/common';
import { InjectConnection } from '@nestjs/mongoose';
import type { Connection } from 'mongoose';
import { tracingChannel } from 'node:diagnostics_channel';
import { AppConfig } from '../../config/config.js';

/** A command on its way to MongoDB: not its filter, and not its documents. */
export interface MongoCommand {
  readonly name: string;
  readonly database: string;
  readonly collection?: string;
}

/** Each command, while traces are recorded. */
export const MONGO_COMMANDS = tracingChannel<MongoCommand>('taskflow:mongodb');

/** Announces what the driver tells of its commands. */
@Injectable()
export class MongoCommands {
  private readonly running = new Map<number, MongoCommand>();

  constructor(@InjectConnection() connection: Connection, config: AppConfig) {
    const watched = new WeakSet<object>();
    if (!config.tracing) return;
    // A connection that is opened anew has another client.
    connection.on('connected', () => {
      const client = connection.getClient();
      if (watched.has(client)) return;
      watched.add(client);
      client.on('commandStarted', (event) => this.start(event));
      client.on('commandSucceeded', ({ requestId }) => this.end(requestId));
      client.on('commandFailed', ({ requestId, failure }) => this.end(requestId, failure));
    });
  }

  private start(event: { requestId: number; commandName: string; databaseName: string; command: object }): void {
    const { requestId, commandName: name, databaseName: database } = event;
    const fields = event.command as Readonly<Record<string, unknown>>;
    const collection = [fields[name], fields['collection']].find((value) => typeof value === 'string');
    const command: MongoCommand = { name, database, collection };
    this.running.set(requestId, command);
    MONGO_COMMANDS.start.publish(command);
  }

  private end(requestId: number, error?: Error): void {
    const command = this.running.get(requestId);
    if (!command) return;
    this.running.delete(requestId);
    if (error) MONGO_COMMANDS.error.publish(Object.assign(command, { error }));
    MONGO_COMMANDS.asyncEnd.publish(command);
  }
}
