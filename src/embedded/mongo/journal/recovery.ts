import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { UUID } from 'bson';
import { decode } from '../documents.js';
import type { IndexSpec } from '../index/index-spec.js';
import type { Catalog } from '../store/catalog.js';
import { Collection } from '../store/collection.js';
import type { Log, LogEntry } from '../store/log.js';
import { type Files, disk } from './files.js';
import { FILE_HEADER_BYTES, decodeEntries, fileHeader, newMarker } from './format.js';
import { JournalDamaged, RecordReader } from './record-reader.js';

export const JOURNAL_NAME = 'documents.journal';
const UNFINISHED = '.unfinished';

export const journalPath = (directory: string): string => join(directory, JOURNAL_NAME);
/** Where a journal is written before it takes its place under its name. */
export const unfinishedPath = (directory: string): string => join(directory, JOURNAL_NAME + UNFINISHED);

/** Where writing goes on. */
export interface Recovered {
  readonly marker: Buffer;
  readonly length: number;
}

/**
 * Fills the catalog from the journal in `directory`, which is made if there is none. What a crash left
 * unfinished at its end is cut off, with a warning.
 * @throws JournalDamaged when intact records follow damaged ones
 */
export async function recover(
  directory: string,
  catalog: Catalog,
  log: Log,
  warn: (message: string) => void,
  files: Files = disk,
): Promise<Recovered> {
  for (const name of readdirSync(directory)) if (name.endsWith(UNFINISHED)) rmSync(join(directory, name));
  const path = journalPath(directory);
  if (!existsSync(path)) return createJournal(directory, files);
  const reader = new RecordReader(path);
  try {
    replay(reader, catalog, log);
    if (reader.position < reader.size) await cutTail(reader, warn, files);
    return { marker: reader.marker, length: reader.position };
  } finally {
    reader.close();
  }
}

async function createJournal(directory: string, files: Files): Promise<Recovered> {
  const marker = newMarker();
  const file = await files.open(unfinishedPath(directory), true);
  try {
    await file.write(fileHeader(marker), 0);
    await file.sync();
  } finally {
    await file.close();
  }
  await files.rename(unfinishedPath(directory), journalPath(directory));
  await files.syncDirectory(directory);
  return { marker, length: FILE_HEADER_BYTES };
}

async function cutTail(reader: RecordReader, warn: (message: string) => void, files: Files): Promise<void> {
  const { path, position, size } = reader;
  const intact = reader.findIntactAfter();
  if (intact !== undefined) {
    throw new JournalDamaged(
      `${path} is damaged at byte ${position}, with intact records from byte ${intact} on: ` +
        'it is left as it is; restore it from a backup, or move it away to start empty',
    );
  }
  const file = await files.open(path, false);
  try {
    await file.truncate(position);
    await file.sync();
  } finally {
    await file.close();
  }
  warn(`${path}: cut ${size - position} bytes of an unfinished write from its end, at byte ${position}`);
}

function replay(reader: RecordReader, catalog: Catalog, log: Log): void {
  const indexes = new Map<Collection, Map<string, IndexSpec>>();
  for (let payload = reader.next(); payload; payload = reader.next()) {
    for (const entry of decodeEntries(payload)) apply(entry, catalog, log, indexes);
  }
  for (const collection of catalog.all()) collection.loadIndexes(indexes.get(collection)?.values() ?? []);
}

/** Entries are absolute: a journal that was just compacted may hold one of them twice. */
function apply(entry: LogEntry, catalog: Catalog, log: Log, indexes: Map<Collection, Map<string, IndexSpec>>): void {
  const { kind, namespace, raw } = entry;
  const dot = namespace.indexOf('.');
  const [database, name] = [namespace.slice(0, dot), namespace.slice(dot + 1)];
  let collection = catalog.find(database, name);
  if (kind === 'drop') {
    if (collection) catalog.detach(collection);
    return;
  }
  const content = decode(raw);
  if (!collection) {
    collection = new Collection(database, name, log, kind === 'create' ? (content['uuid'] as UUID) : undefined);
    indexes.set(collection, new Map());
    catalog.attach(collection);
  }
  if (kind === 'put') collection.load({ doc: content, raw });
  else if (kind === 'delete') collection.unload(content['_id']);
  else if (kind === 'createIndex') indexes.get(collection)?.set(content['name'] as string, content as IndexSpec);
  else if (kind === 'dropIndex') indexes.get(collection)?.delete(content['name'] as string);
}
