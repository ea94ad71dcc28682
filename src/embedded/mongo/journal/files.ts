import { type FileHandle, open, rename, rm } from 'node:fs/promises';

/** The operations of the journal that a disk can refuse; tests put a failing disk behind them. */
export interface Files {
  /** @param create makes a new file, mode 0600, and fails if there is one */
  open(path: string, create: boolean): Promise<JournalFile>;
  rename(from: string, to: string): Promise<void>;
  remove(path: string): Promise<void>;
  /** Makes created and renamed names safe. */
  syncDirectory(path: string): Promise<void>;
}

export interface JournalFile {
  /** Writes all bytes or rejects. */
  write(bytes: Buffer, position: number): Promise<void>;
  sync(): Promise<void>;
  truncate(length: number): Promise<void>;
  close(): Promise<void>;
}

export const disk: Files = {
  open: async (path, create) => new DiskFile(await open(path, create ? 'wx' : 'r+', 0o600)),
  rename,
  remove: (path) => rm(path, { force: true }),
  syncDirectory: async (path) => {
    const directory = await open(path, 'r');
    try {
      await directory.sync();
    } finally {
      await directory.close();
    }
  },
};

class DiskFile implements JournalFile {
  constructor(private readonly handle: FileHandle) {}

  async write(bytes: Buffer, position: number): Promise<void> {
    for (let done = 0; done < bytes.length;) {
      const { bytesWritten } = await this.handle.write(bytes, done, bytes.length - done, position + done);
      done += bytesWritten;
    }
  }

  /** The size counts as data: `fdatasync` writes it too. */
  sync(): Promise<void> {
    return this.handle.datasync();
  }

  truncate(length: number): Promise<void> {
    return this.handle.truncate(length);
  }

  close(): Promise<void> {
    return this.handle.close();
  }
}
