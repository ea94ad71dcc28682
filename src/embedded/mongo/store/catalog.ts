import { encode } from '../documents.js';
import { faults } from '../faults.js';
import { Collection } from './collection.js';
import { type Log, NO_BYTES } from './log.js';

const NAME_LIMIT = 255;

/** All databases and their collections. */
export class Catalog {
  private readonly databases = new Map<string, Map<string, Collection>>();

  constructor(private readonly log: Log) {}

  find(database: string, name: string): Collection | undefined {
    return this.databases.get(database)?.get(name);
  }

  /** The collection, created when it is not there. */
  ensure(database: string, name: string): Collection {
    return this.find(database, name) ?? this.create(database, name);
  }

  create(database: string, name: string): Collection {
    checkNamespace(database, name);
    const collection = new Collection(database, name, this.log);
    this.attach(collection);
    const raw = encode({ uuid: collection.uuid });
    this.log.append({ kind: 'create', namespace: collection.namespace, raw }, () => this.detach(collection));
    return collection;
  }

  drop(collection: Collection): void {
    this.detach(collection);
    const undo = (): void => this.attach(collection);
    this.log.append({ kind: 'drop', namespace: collection.namespace, raw: NO_BYTES }, undo);
  }

  attach(collection: Collection): void {
    const database = this.databases.get(collection.database) ?? new Map<string, Collection>();
    this.databases.set(collection.database, database.set(collection.name, collection));
    collection.dropped = false;
  }

  detach(collection: Collection): void {
    const database = this.databases.get(collection.database);
    database?.delete(collection.name);
    if (database?.size === 0) this.databases.delete(collection.database);
    collection.dropped = true;
  }

  names(): string[] {
    return [...this.databases.keys()].sort();
  }

  collections(database: string): Collection[] {
    return [...(this.databases.get(database)?.values() ?? [])].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  all(): Collection[] {
    return this.names().flatMap((database) => this.collections(database));
  }
}

function checkNamespace(database: string, name: string): void {
  const bad = name === '' || /[$\0]/.test(name) || name.startsWith('.') || name.startsWith('system.');
  if (bad || database.length + name.length + 1 > NAME_LIMIT) throw faults.invalidNamespace(`${database}.${name}`);
}
