import { MongoServer } from '../../src/embedded/mongo/index.js';
import { disk, type Files, type JournalFile } from '../../src/embedded/mongo/journal/files.js';
import { startTestApp, type TestApp } from '../support/app.js';
import { signIn, signUp } from '../support/clients.js';
import { temporaryDirectory } from '../support/dist.js';

/** The disk, until `error` is set: then it takes a part of what it is given, or nothing more, as a full disk does. */
class FailingDisk implements Files {
  readonly rename: Files['rename'] = (from, to) => disk.rename(from, to);
  readonly remove: Files['remove'] = (path) => disk.remove(path);
  readonly syncDirectory: Files['syncDirectory'] = (path) => disk.syncDirectory(path);
  error?: 'ENOSPC' | 'EIO';

  async open(path: string, create: boolean): Promise<JournalFile> {
    const file = await disk.open(path, create);
    return {
      write: async (bytes, position) => {
        if (this.error) await file.write(bytes.subarray(0, 7), position);
        this.refuse();
        await file.write(bytes, position);
      },
      sync: async () => {
        this.refuse();
        await file.sync();
      },
      truncate: (length) => file.truncate(length),
      close: () => file.close(),
    };
  }

  private refuse(): void {
    if (this.error) throw Object.assign(new Error(`${this.error}: write`), { code: this.error });
  }
}

describe('a disk that is full or broken during a run', () => {
  const files = new FailingDisk();
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
  let server: MongoServer;
  let app: TestApp;

  const open = async (): Promise<void> => {
    server = await MongoServer.open({ directory: directory.path, files });
    app = await startTestApp({ MONGODB_URI: server.uri });
  };
  const close = async (): Promise<void> => {
    await app.close();
    await server.close();
  };
  beforeAll(async () => {
    directory = await temporaryDirectory();
    await open();
  });
  afterEach(() => {
    files.error = undefined;
  });
  afterAll(async () => {
    await close();
    await directory.remove();
  });

  it.each(['ENOSPC', 'EIO'] as const)(
    'answers 503 to a write (%s), still reads, and goes on when it can',
    async (error) => {
      const ada = await signUp(app);
      const { body: kept } = await ada.post('/tasks').send({ title: 'before' }).expect(201);

      files.error = error;
      const refused = await ada.post('/tasks').send({ title: 'refused' }).expect(503);
      expect(refused.body).toMatchObject({ code: 'store.unavailable', status: 503 });
      expect(refused.headers['retry-after']).toMatch(/^[1-9]\d*$/);
      await ada.patch(`/tasks/${kept.id}`).send({ title: 'refused too' }).expect(503);
      const { body: read } = await ada.get(`/tasks/${kept.id}`).expect(200);
      expect(read).toEqual(kept);

      files.error = undefined;
      await ada.post('/tasks').send({ title: 'after' }).expect(201);
      const titles = async (client: typeof ada): Promise<string[]> => {
        const { body } = await client.get('/tasks?sort=title').expect(200);
        return body.items.map(({ title }: { title: string }) => title);
      };
      expect(await titles(ada)).toEqual(['after', 'before']);

      await close();
      await open();
      expect(await titles(await signIn(app, ada))).toEqual(['after', 'before']);
    },
  );
});
