import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { requireCurrentDist, temporaryDirectory } from '../support/dist.js';

const ROOT = join(__dirname, '../..');

describe('npm run mail:preview', () => {
  beforeAll(requireCurrentDist);

  it('writes every mail as a text and as a page, with whatever a title holds as text', async () => {
    const directory = await temporaryDirectory();
    try {
      const { status, stdout } = spawnSync(process.execPath, ['tools/mail-preview.mjs', directory.path], {
        cwd: ROOT,
        encoding: 'utf8',
      });
      expect([status, stdout.match(/^ {2}file:/gm)?.length]).toEqual([0, 5]);
      const files = readdirSync(directory.path);
      expect(files).toHaveLength(10);
      expect(readFileSync(join(directory.path, 'overdue.txt'), 'utf8')).toContain(
        'Overdue: Wrap & send <the presents>',
      );
      expect(readFileSync(join(directory.path, 'overdue.html'), 'utf8')).toContain('&lt;the presents&gt;');
    } finally {
      await directory.remove();
    }
  });
});
