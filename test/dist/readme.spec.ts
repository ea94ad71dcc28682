import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { requireCurrentDist, startProcess, temporaryDirectory, type TaskFlowProcess } from '../support/dist.js';
import { eventually } from '../support/eventually.js';
import { normalised, readme, sessionAgainst } from '../support/readme.js';
import { withKubectl } from '../support/kubernetes.js';

describe('README.md', () => {
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
  let server: TaskFlowProcess;

  beforeAll(async () => {
    requireCurrentDist();
    directory = await temporaryDirectory();
    server = await startProcess({ DATA_DIR: directory.path, LOG_LEVEL: 'info' });
  });
  afterAll(async () => {
    await server?.end('SIGTERM');
    await directory?.remove();
  });

  it('begins with the two commands', () => {
    const [start, test] = [...readme.matchAll(/^```sh\n(.*?)\n```$/gms)].map(([, command]) => command);
    expect([start, test]).toEqual(['npm ci && npm start', 'npm ci && npm test']);
    expect(readme.indexOf('npm ci && npm test')).toBeLessThan(150);
  });

  it('shows what a start prints', async () => {
    const [, shown] = /^```text\n\$ npm start\n(.*?)^```$/ms.exec(readme)!;
    // The log is written a moment later than the rest, so the order is not certain.
    const linesOf = (text: string): Set<string> =>
      new Set(
        normalised(text)
          .replace(/store in \S+\)/, 'store in <directory>)')
          .replaceAll(/^[\d:.]+ info|\d+ ms$/gm, '<time>')
          .split('\n'),
      );
    await eventually(() => expect(linesOf(server.output())).toEqual(linesOf(shown!)));
  });

  withKubectl('that the README shows what kustomize makes', () => {
    it('shows what kustomize makes of an overlay', () => {
      const [, command, shown] = /^```text\n\$ (kubectl kustomize .*?)\n(.*?)^```$/ms.exec(readme)!;
      const printed = execFileSync('bash', ['-c', command!], { cwd: join(__dirname, '../..'), encoding: 'utf8' });
      expect(printed).toBe(shown);
    });
  });

  it('prints in its session what the program answers', async () => {
    const { told, printed } = await sessionAgainst(server.url);
    expect(printed).toEqual(told);
    expect(told.length).toBeGreaterThan(10);
  });
});
