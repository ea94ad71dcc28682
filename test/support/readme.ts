import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

export const readme = readFileSync(join(__dirname, '../../README.md'), 'utf8');

/** A command of the README and what it says that it prints. */
export interface Step {
  readonly command: string;
  readonly printed: string;
}

/** `$ ` begins a command; it goes on while quotes are open or its line ends with a backslash. The rest is output. */
function readmeSession(): Step[] {
  const lines = [...readme.matchAll(/^```console\n(.*?)^```$/gms)].flatMap(([, block]) => block!.trim().split('\n'));
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

/** Runs all commands in one shell, so that they share variables, against `url`. @returns what each printed */
async function runSession(steps: readonly Step[], url: string): Promise<string[]> {
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
export const normalised = (text: string): string =>
  text
    .replaceAll(/http:\/\/(?:localhost|127\.0\.0\.1):\d+/g, '<url>')
    .replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g, '<time>')
    .replaceAll(/\b[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}\b/g, '<uuid>')
    // nginx makes them without hyphens.
    .replaceAll(/\b[\da-f]{32}\b/g, '<uuid>')
    .replaceAll(/\b[\da-f]{24}\b/g, '<id>')
    .replaceAll(/^id: \d{13}$/gm, 'id: <sequence>')
    .replaceAll(/[\w-]{40,}/g, '<opaque>')
    .trim();

/** What the README says that each command prints, and what it printed against `url`: alike, apart from ids and times. */
export async function sessionAgainst(url: string): Promise<{ told: Step[]; printed: Step[] }> {
  const steps = readmeSession();
  const outputs = await runSession(steps, url);
  const step = (command: string, text: string): Step => ({ command, printed: normalised(text) });
  return {
    told: steps.map(({ command, printed }) => step(command, printed)),
    printed: steps.map(({ command }, index) => step(command, outputs[index] ?? '')),
  };
}
