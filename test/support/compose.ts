import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';

const ROOT = join(__dirname, '../..');

/** What the tests look at in a service; the schema has checked the rest. */
export interface ComposeService {
  readonly image: string;
  readonly build?: object;
  readonly user?: string;
  readonly hostname?: string;
  readonly restart: string;
  readonly profiles?: readonly string[];
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly secrets?: readonly (string | { readonly source: string; readonly target: string })[];
  readonly networks?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly depends_on?: Readonly<Record<string, { condition: string }>>;
  readonly healthcheck?: { readonly test?: readonly string[]; readonly disable?: boolean };
  readonly stop_grace_period?: string;
  readonly [key: string]: unknown;
}

export interface ComposeFile {
  readonly services: Readonly<Record<string, ComposeService>>;
  readonly secrets: Readonly<Record<string, { file: string }>>;
  readonly networks: Readonly<Record<string, { internal?: boolean } | null>>;
  readonly volumes: Readonly<Record<string, null>>;
  readonly [key: string]: unknown;
}

/** A compose file as compose reads it where no variable is set: anchors and defaults filled in. */
export function readCompose(name: string): ComposeFile {
  const filled = (_key: unknown, value: unknown): unknown =>
    typeof value === 'string' ? value.replaceAll(/\$\{\w+:-([^}]*)\}/g, '$1') : value;
  const text = readFileSync(join(ROOT, name), 'utf8');
  const file = parse(text, filled, { merge: true }) as Record<string, unknown>;
  return Object.fromEntries(Object.entries(file).filter(([key]) => !key.startsWith('x-'))) as ComposeFile;
}

/** `deploy/compose/up.sh` in a directory of its own, with a `docker` that only writes down what it is asked. */
export interface UpScript {
  /** Where it keeps secrets. */
  readonly secrets: string;
  /** Runs it; `docker` and `openssl` are what a shell does in their place. */
  run(programs?: { docker?: string; openssl?: string }, args?: string[]): Promise<{ code: number; output: string }>;
  /** What it has asked of docker since the last time. */
  calls(): string[];
}

export function upScript(directory: string): UpScript {
  for (const part of ['nginx', 'prometheus', 'grafana', 'otel', 'compose']) {
    cpSync(join(ROOT, 'deploy', part), join(directory, 'deploy', part), {
      recursive: true,
      filter: (source) => !source.endsWith('/secrets'),
    });
  }
  const log = join(directory, 'calls');
  const bin = join(directory, 'bin');
  mkdirSync(bin);
  return {
    secrets: join(directory, 'deploy/compose/secrets'),
    async run(programs = {}, args = []) {
      program(bin, 'docker', `echo "$*" >>'${log}'\n${programs.docker ?? ''}`);
      program(bin, 'openssl', programs.openssl ?? 'PATH=${PATH#*:} exec openssl "$@"');
      const child = spawn(join(directory, 'deploy/compose/up.sh'), args, {
        env: { PATH: `${bin}:${process.env['PATH']}` },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      let output = '';
      for (const stream of [child.stdout, child.stderr])
        stream.on('data', (part: Buffer) => (output += part.toString()));
      const [code] = (await once(child, 'close')) as [number];
      return { code, output };
    },
    calls() {
      const lines = existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n') : [];
      writeFileSync(log, '');
      return lines;
    },
  };
}

function program(bin: string, name: string, script: string): void {
  writeFileSync(join(bin, name), `#!/bin/sh\n${script}\n`);
  chmodSync(join(bin, name), 0o755);
}
