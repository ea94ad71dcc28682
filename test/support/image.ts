import balenaDockerignore from '@balena/dockerignore';
import { DockerfileParser, type Copy, type From, type Instruction, type ModifiableInstruction } from 'dockerfile-ast';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, cpSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

// Its types tell of an export by name, its code has none.
const dockerignore = balenaDockerignore as unknown as typeof balenaDockerignore.default;

const ROOT = join(__dirname, '../..');

/** Part of a Dockerfile from one FROM to the next. */
export interface Stage {
  readonly name: string;
  /** The image or the earlier stage it begins with. */
  readonly base: string;
  readonly instructions: readonly Instruction[];
}

/** The project's Dockerfile, its stages in order; the last one is the image. */
export function readStages(text = readFileSync(join(ROOT, 'Dockerfile'), 'utf8')): Stage[] {
  const stages: { name: string; base: string; instructions: Instruction[] }[] = [];
  for (const instruction of DockerfileParser.parse(text).getInstructions()) {
    if (instruction.getKeyword() === 'FROM') {
      const from = instruction as From;
      stages.push({ name: from.getBuildStage() ?? 'image', base: from.getImage()!, instructions: [] });
    } else {
      stages.at(-1)!.instructions.push(instruction);
    }
  }
  return stages;
}

/** The one instruction of its kind that the image itself has. @throws when it has none or several */
export function imageInstruction(keyword: string): Instruction {
  const [instruction, ...more] = readStages()
    .at(-1)!
    .instructions.filter((candidate) => candidate.getKeyword() === keyword);
  if (!instruction || more.length > 0) throw new Error(`The image must have one ${keyword}.`);
  return instruction;
}

/** The `NAME=value` words of all ENV, ARG or LABEL. */
export function assignments(keyword: 'ENV' | 'ARG' | 'LABEL'): Record<string, string> {
  const texts = readStages()
    .flatMap(({ instructions }) => instructions)
    .filter((instruction) => instruction.getKeyword() === keyword)
    .map(argumentsOf);
  const words = texts.flatMap((text) => [...text.matchAll(/([\w.]+)=(?:"([^"]*)"|(\S*))/g)]);
  return Object.fromEntries(words.map(([, name, quoted, bare]) => [name!, quoted ?? bare ?? '']));
}

/** The variables of a container, when the image was built without arguments. */
export function imageEnvironment(): Record<string, string> {
  const defaults = assignments('ARG');
  const value = (text: string): string => text.replaceAll(/\$(\w+)/g, (_, name: string) => defaults[name] ?? '');
  return Object.fromEntries(Object.entries(assignments('ENV')).map(([name, text]) => [name, value(text)]));
}

/** What stands behind the keyword, its lines joined. */
export const argumentsOf = (instruction: Instruction): string =>
  (instruction.getArgumentsContent() ?? '').replaceAll(/\s+/g, ' ');

/** `CMD`, `ENTRYPOINT` or the command of `HEALTHCHECK`, all in their exec form. */
export const execForm = (instruction: Instruction): string[] =>
  JSON.parse(argumentsOf(instruction).replace(/^CMD /, '')) as string[];

/** Whether `.dockerignore` keeps a path from the builder. */
export function contextFilter(): (path: string) => boolean {
  const rules = dockerignore().add(readFileSync(join(ROOT, '.dockerignore'), 'utf8'));
  return (path) => rules.ignores(path);
}

/** Paths of the files that the builder gets, in order. */
export function contextFiles(): string[] {
  const isIgnored = contextFilter();
  // Large, and asked for by name in a test; all others are asked one by one.
  const entries = readdirSync(ROOT).filter((name) => name !== 'node_modules' && name !== '.git');
  return entries
    .flatMap((name) => (statSync(join(ROOT, name)).isDirectory() ? below(name) : [name]))
    .filter((path) => !isIgnored(path))
    .sort();
}

const below = (folder: string): string[] =>
  readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(ROOT.length + 1));

/** Sources and destination of a COPY, and the stage it takes them from. */
export function copyOf(instruction: Instruction): { from?: string; sources: string[]; to: string; mode?: number } {
  const copy = instruction as Copy;
  const words = argumentsOf(copy).split(' ');
  const mode = flag(copy, 'chmod');
  return {
    from: flag(copy, 'from'),
    sources: words.slice(0, -1),
    to: words.at(-1)!,
    ...(mode ? { mode: Number.parseInt(mode, 8) } : {}),
  };
}

const flag = (instruction: ModifiableInstruction, name: string): string | undefined =>
  instruction
    .getFlags()
    .find((candidate) => candidate.getName() === name)
    ?.getValue() ?? undefined;

/**
 * Does what the builder does with our own instructions: each stage gets a directory for its `/app`, COPY and RUN happen
 * in it. What the last stage runs changes the system it is based on and is left out.
 * @returns the image's `/app`
 */
export async function buildImageTree(directory: string): Promise<string> {
  const context = join(directory, 'context');
  for (const file of contextFiles()) cpSync(join(ROOT, file), join(context, file));
  const stages = readStages();
  for (const stage of stages) {
    const app = join(directory, stage.name);
    mkdirSync(app, { recursive: true });
    for (const instruction of stage.instructions) {
      if (instruction.getKeyword() === 'COPY') copyInto(app, instruction, context, directory);
      if (instruction.getKeyword() === 'RUN' && stage !== stages.at(-1)) await runIn(app, argumentsOf(instruction));
    }
  }
  return join(directory, stages.at(-1)!.name);
}

function copyInto(app: string, instruction: Instruction, context: string, directory: string): void {
  const { from, sources, to, mode } = copyOf(instruction);
  for (const source of sources) {
    const path = from ? join(directory, from, source.replace(/^\/app\//, '')) : join(context, source);
    const isDirectory = statSync(path).isDirectory();
    const target = join(app, to, isDirectory || !/(^|\/)\.?\/?$/.test(to) ? '' : basename(source));
    mkdirSync(dirname(target), { recursive: true });
    cpSync(path, target, { recursive: true, verbatimSymlinks: true });
    if (mode !== undefined && !isDirectory) chmodSync(target, mode);
  }
}

/** Packages come from npm's cache where they are there: `npm ci` of this checkout has just filled it. */
async function runIn(directory: string, command: string): Promise<void> {
  const { PATH, HOME } = process.env;
  const child = spawn('sh', ['-c', command], {
    cwd: directory,
    env: { PATH, HOME, npm_config_prefer_offline: 'true', npm_config_update_notifier: 'false' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`${command} ended with ${code}:\n${output}`);
}
