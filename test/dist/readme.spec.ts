import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { requireCurrentDist, startProcess, temporaryDirectory, type TaskFlowProcess } from '../support/dist.js';

const readme = readFileSync(join(__dirname, '../../README.md'), 'utf8');

interface Step {
  readonly command: string;
  readonly printed: string;
}

/** `$ ` begins a command; it goes on while quotes are open or its line ends with a backslash. The rest is output. */
function stepsOf(markdown: string): Step[] {
  const lines = [...markdown.matchAll(/^```console\n(.*?)^```$/gms)].flatMap(([, block]) => block!.trim().split('\n'));
  const steps: { command: string; printed: string }[] = [];
  for (const line of lines) {
    const last = steps.at(-1);
    if (line.startsWith('$ ')) steps.push({ command: line.slice(2), printed: '' });
    else if (last && last.printed === '' && isUnfinished(last.command)) last.command += `\n${line}`;
    else if (last) last.printed += `${line}\n`;
  }
  return steps;
}

const isUnfinished = (command: string): boolean => {
  const single = command.replaceAll(/"(?:[^"\\']|\\.)*"/g, '').split("'").length - 1;
  return command.endsWith('\\') || single % 2 === 1;
};

const BETWEEN = '\u001e';

/** Runs all commands in one shell, so that they share variables. @returns what each printed */
async function run(steps: readonly Step[], url: string): Promise<string[]> {
  const script = steps.map(({ command }) => `${command}\nprintf '${BETWEEN}'\n`).join('');
  const shell = spawn('bash', ['-c', script.replaceAll('http://localhost:3000', url)], {
    env: { PATH: `${dirname(process.execPath)}:${process.env['PATH']}` },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  shell.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  shell.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  await once(shell, 'close');
  return output.split(BETWEEN);
}

/** What differs from run to run: addresses, ids, times, cursors. */
const normalised = (text: string): string =>
  text
    .replaceAll(/http:\/\/(?:localhost|127\.0\.0\.1):\d+/g, '<url>')
    .replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g, '<time>')
    .replaceAll(/\b[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}\b/g, '<uuid>')
    .replaceAll(/\b[\da-f]{24}\b/g, '<id>')
    .replaceAll(/[\w-]{40,}/g, '<opaque>')
    .trim();

describe('README.md', () => {
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
  let server: TaskFlowProcess;

  beforeAll(async () => {
    requireCurrentDist();
    directory = await temporaryDirectory();
    server = await startProcess({ DATA_DIR: directory.path });
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

  it('prints in its session what the program answers', async () => {
    const steps = stepsOf(readme);
    const printed = await run(steps, server.url);
    const told = steps.map(({ command, printed: text }) => ({ command, printed: normalised(text) }));
    expect(steps.map(({ command }, index) => ({ command, printed: normalised(printed[index] ?? '') }))).toEqual(told);
    expect(steps.length).toBeGreaterThan(10);
  });
});
