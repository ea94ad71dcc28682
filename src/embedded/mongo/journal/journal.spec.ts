import {
  appendFileSync,
  copyFileSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { prepare } from '../documents.js';
import type { Doc } from '../language/index.js';
import type { Collection } from '../store/collection.js';
import { disk, type Files, type JournalFile } from './files.js';
import { JournalDamaged } from './record-reader.js';
import { journalPath, unfinishedPath } from './recovery.js';
import { Storage, type StorageOptions } from './storage.js';

let directory: string;
let warnings: string[];
const opened: Storage[] = [];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'journal-'));
  warnings = [];
});

afterEach(async () => {
  for (const storage of opened.splice(0)) await storage.close();
  rmSync(directory, { recursive: true });
});

async function open(options: Partial<StorageOptions> = {}): Promise<Storage> {
  const storage = await Storage.open({ directory, warn: (message) => warnings.push(message), ...options });
  opened.push(storage);
  return storage;
}

async function reopen(options: Partial<StorageOptions> = {}): Promise<Storage> {
  await opened.pop()?.close();
  return open(options);
}

const tasks = (storage: Storage): Collection => storage.catalog.ensure('app', 'tasks');
const contents = (storage: Storage): Doc[] => [...tasks(storage).rows.values()].map(({ doc }) => doc);

async function insert(storage: Storage, ...docs: Doc[]): Promise<void> {
  for (const doc of docs) tasks(storage).insert(prepare(doc));
  await storage.journal.flushed();
}

describe('recovery', () => {
  it('brings back inserts, replacements, removals, collections and indexes, in natural order', async () => {
    const storage = await open();
    await insert(storage, { _id: 1, a: 'x' }, { _id: 2, a: 'y' }, { _id: 3, a: 'z' });
    const collection = tasks(storage);
    collection.createIndex({ v: 2, key: { a: 1 }, name: 'a_1', unique: true });
    collection.createIndex({ v: 2, key: { b: 1 }, name: 'b_1' });
    collection.dropIndex('b_1');
    collection.replace(collection.find(1)!, prepare({ _id: 1, a: 'w' }));
    collection.remove(collection.find(2)!);
    storage.catalog.create('app', 'empty');
    storage.catalog.drop(storage.catalog.create('app', 'dropped'));
    await storage.journal.flushed();

    const again = await reopen();
    expect(contents(again)).toEqual([
      { _id: 1, a: 'w' },
      { _id: 3, a: 'z' },
    ]);
    expect([...tasks(again).indexes.keys()]).toEqual(['_id_', 'a_1']);
    expect(() => tasks(again).insert(prepare({ _id: 4, a: 'w' }))).toThrow('E11000');
    expect(again.catalog.collections('app').map(({ name }) => name)).toEqual(['empty', 'tasks']);
    expect(tasks(again).uuid.toString()).toBe(collection.uuid.toString());
    expect(warnings).toEqual([]);
  });

  it('keeps everything before the last record, wherever that one is cut, and says what it cut', async () => {
    const storage = await open();
    await insert(storage, { _id: 1, text: 'kept' });
    const before = statSync(journalPath(directory)).size;
    await insert(storage, { _id: 2, text: 'the last record' });
    const whole = readFileSync(journalPath(directory));
    await opened.pop()!.close();

    for (let length = before; length <= whole.length; length++) {
      writeFileSync(journalPath(directory), whole.subarray(0, length));
      warnings = [];
      const again = await open();
      expect(contents(again).map(({ _id }) => _id)).toEqual(length === whole.length ? [1, 2] : [1]);
      const cut = length - before;
      const expected =
        cut === 0 || length === whole.length
          ? []
          : [`${journalPath(directory)}: cut ${cut} bytes of an unfinished write from its end, at byte ${before}`];
      expect(warnings).toEqual(expected);
      await opened.pop()!.close();
    }
  });

  it('takes a damaged last record for an unfinished one, and writes on behind what is left', async () => {
    const storage = await open();
    await insert(storage, { _id: 1 });
    await opened.pop()!.close();
    appendFileSync(journalPath(directory), Buffer.alloc(100));
    await insert(await open(), { _id: 2 });
    expect(warnings).toHaveLength(1);
    expect(contents(await reopen()).map(({ _id }) => _id)).toEqual([1, 2]);
    expect(warnings).toHaveLength(1);
  });

  it('refuses to start when intact records follow a damaged one, and changes nothing', async () => {
    const storage = await open();
    await insert(storage, { _id: 1, text: 'first' });
    const start = statSync(journalPath(directory)).size;
    await insert(storage, { _id: 2, text: 'damaged' });
    await insert(storage, { _id: 3, text: 'intact' });
    await opened.pop()!.close();
    const whole = readFileSync(journalPath(directory));
    for (const at of [start, start + 9, start + 14, start + 40]) {
      const damaged = Buffer.from(whole);
      damaged[at]! ^= 0x40;
      writeFileSync(journalPath(directory), damaged);
      const refusal = await open().catch((error: unknown) => error);
      expect(refusal).toBeInstanceOf(JournalDamaged);
      expect((refusal as Error).message).toContain(`${journalPath(directory)} is damaged at byte ${start}`);
      expect(readFileSync(journalPath(directory)).equals(damaged)).toBe(true);
    }
  });

  it('does not take the bytes of a journal inside a document for a record', async () => {
    await insert(await open(), { _id: 1 });
    await insert(opened[0]!, { _id: 2, copy: readFileSync(journalPath(directory)).toString('latin1') });
    await insert(opened[0]!, { _id: 3, copy: readFileSync(journalPath(directory)).toString('base64') });
    await opened.pop()!.close();
    truncateSync(journalPath(directory), statSync(journalPath(directory)).size - 1);
    expect(contents(await open()).map(({ _id }) => _id)).toEqual([1, 2]);
  });

  it('refuses a file that is no journal', async () => {
    await open();
    await opened.pop()!.close();
    writeFileSync(journalPath(directory), 'something else, and longer than a header would be');
    await expect(open()).rejects.toThrow('is not a journal of this version');
  });

  it('keeps files and directory from other people', async () => {
    await insert(await open(), { _id: 1 });
    expect(statSync(directory).mode & 0o777).toBe(0o700);
    expect(statSync(journalPath(directory)).mode & 0o777).toBe(0o600);
  });
});

describe('group commit', () => {
  it('lets writes that arrive together share one record', async () => {
    const storage = await open();
    await insert(storage, { _id: 0 });
    const before = storage.journal.records;
    await Promise.all(Array.from({ length: 50 }, (_, i) => insert(storage, { _id: i + 1 })));
    expect(storage.journal.records - before).toBeLessThanOrEqual(2);
  });
});

describe('compaction', () => {
  it('keeps what is stored, drops what is not, and takes writes meanwhile', async () => {
    const storage = await open({ compactFromBytes: 64 * 1024 });
    const collection = tasks(storage);
    collection.createIndex({ v: 2, key: { n: 1 }, name: 'n_1' });
    for (let i = 0; i < 100; i++) collection.insert(prepare({ _id: i, n: 0, text: 'x'.repeat(500) }));
    await storage.journal.flushed();
    const sizes: number[] = [];
    for (let n = 1; n <= 60; n++) {
      for (let i = 0; i < 20; i++)
        collection.replace(collection.find(i)!, prepare({ _id: i, n, text: 'x'.repeat(500) }));
      if (n === 30) collection.remove(collection.find(99)!);
      await storage.journal.flushed();
      sizes.push(statSync(journalPath(directory)).size);
    }
    expect(Math.max(...sizes)).toBeLessThan(250_000);
    const again = await reopen();
    expect(contents(again)).toEqual(
      Array.from({ length: 99 }, (_, i) => ({ _id: i, n: i < 20 ? 60 : 0, text: 'x'.repeat(500) })),
    );
    expect([...tasks(again).indexes.keys()]).toEqual(['_id_', 'n_1']);
  });

  it('starts from the old journal when it was ended before the new one took its place', async () => {
    await insert(await open(), { _id: 1 });
    copyFileSync(journalPath(directory), unfinishedPath(directory));
    truncateSync(unfinishedPath(directory), 40);
    expect(contents(await reopen())).toEqual([{ _id: 1 }]);
  });
});

/** The disk, with `fault` asked before each write and each sync. */
function faulty(fault: (operation: 'write' | 'sync' | 'truncate') => NodeJS.ErrnoException | undefined): Files {
  const check = (operation: 'write' | 'sync' | 'truncate'): void => {
    const error = fault(operation);
    if (error) throw error;
  };
  const wrap = (file: JournalFile): JournalFile => ({
    write: async (bytes, position) => {
      // As a full disk does: some of it arrives.
      if (fault('write')) await file.write(bytes.subarray(0, bytes.length >> 1), position);
      check('write');
      await file.write(bytes, position);
    },
    sync: async () => {
      check('sync');
      await file.sync();
    },
    truncate: async (length) => {
      check('truncate');
      await file.truncate(length);
    },
    close: () => file.close(),
  });
  return { ...disk, open: async (path, create) => wrap(await disk.open(path, create)) };
}

const failure = (code: string): NodeJS.ErrnoException => Object.assign(new Error(`${code}: refused`), { code });

describe('a disk that refuses', () => {
  it.each([
    ['write', 'ENOSPC', 14031],
    ['write', 'EIO', 39],
    ['sync', 'ENOSPC', 14031],
    ['sync', 'EIO', 39],
  ] as const)(
    '(%s, %s) fails the write, undoes it in memory, and loses nothing that was acknowledged',
    async (operation, code, number) => {
      let refusing = false;
      const files = faulty((asked) => (refusing && asked === operation ? failure(code) : undefined));
      const storage = await open({ files });
      const collection = tasks(storage);
      collection.createIndex({ v: 2, key: { a: 1 }, name: 'a_1', unique: true });
      await insert(storage, { _id: 1, a: 1 }, { _id: 2, a: 2 }, { _id: 3, a: 3 });
      refusing = true;
      collection.replace(collection.find(1)!, prepare({ _id: 1, a: 9 }));
      collection.remove(collection.find(2)!);
      collection.insert(prepare({ _id: 4, a: 1 }));
      collection.dropIndex('a_1');
      storage.catalog.create('app', 'other');
      await expect(storage.journal.flushed()).rejects.toMatchObject({ code: number });

      const kept = [
        { _id: 1, a: 1 },
        { _id: 3, a: 3 },
        { _id: 2, a: 2 },
      ];
      expect(contents(storage)).toEqual(kept);
      expect(() => collection.insert(prepare({ _id: 5, a: 2 }))).toThrow('E11000');
      expect(storage.catalog.find('app', 'other')).toBeUndefined();

      refusing = false;
      await insert(storage, { _id: 6, a: 6 });
      const again = await reopen();
      expect(contents(again).map(({ _id }) => _id)).toEqual([1, 2, 3, 6]);
      expect(warnings).toEqual([]);
    },
  );

  it('goes on once the file can be cut, when the cut itself was refused at first', async () => {
    let refusing = false;
    const storage = await open({ files: faulty(() => (refusing ? failure('EIO') : undefined)) });
    await insert(storage, { _id: 1 });
    refusing = true;
    await expect(insert(storage, { _id: 2 })).rejects.toMatchObject({ code: 39 });
    await expect(insert(storage, { _id: 3 })).rejects.toMatchObject({ code: 39 });
    refusing = false;
    await insert(storage, { _id: 4 });
    expect(contents(await reopen()).map(({ _id }) => _id)).toEqual([1, 4]);
  });

  it('leaves the old journal in use when a compaction finds no room', async () => {
    let full = false;
    const files: Files = {
      ...disk,
      open: (path, create) => (full && create ? Promise.reject(failure('ENOSPC')) : disk.open(path, create)),
    };
    const storage = await open({ files, compactFromBytes: 4_096 });
    await insert(storage, { _id: 1, n: 0, text: 'x'.repeat(2_000) });
    full = true;
    for (let n = 1; n <= 30; n++) {
      tasks(storage).replace(tasks(storage).find(1)!, prepare({ _id: 1, n, text: 'x'.repeat(2_000) }));
      await storage.journal.flushed();
    }
    expect(warnings[0]).toContain('could not be compacted');
    expect(contents(await reopen())).toMatchObject([{ _id: 1, n: 30 }]);
  });
});
