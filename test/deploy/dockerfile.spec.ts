import type { Instruction } from 'dockerfile-ast';
import { validate } from 'dockerfile-utils';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { ENVIRONMENT_NAMES, readEnvironment } from '../../src/config/environment.js';
import {
  argumentsOf,
  assignments,
  contextFiles,
  contextFilter,
  copyOf,
  execForm,
  imageInstruction,
  readStages,
} from '../support/image.js';

const read = (file: string): string => readFileSync(join(__dirname, '../..', file), 'utf8');
const stages = readStages();
const all = (keyword: string): Instruction[] =>
  stages.flatMap(({ instructions }) => instructions).filter((instruction) => instruction.getKeyword() === keyword);

describe('Dockerfile', () => {
  it('is what a linter of Dockerfiles expects', () => {
    expect(validate(read('Dockerfile'))).toEqual([]);
  });

  it('begins with one release of Node, of the newest line that CI tests', () => {
    const names = new Set(stages.map(({ name }) => name));
    const bases = [...new Set(stages.map(({ base }) => base))].filter((base) => !names.has(base));
    expect(bases).toEqual([expect.stringMatching(/^node:\d+\.\d+\.\d+-[a-z]+-slim$/)]);
    const tested = parse(read('.github/workflows/ci.yml')).jobs.test.strategy.matrix.node as string[];
    expect(/^node:(\d+)/.exec(bases[0]!)![1]).toBe(tested.at(-1));
    expect(assignments('LABEL')['org.opencontainers.image.base.name']).toBe(`docker.io/library/${bases[0]}`);
  });

  it('starts as a numbered user who is not root', () => {
    expect(argumentsOf(imageInstruction('USER'))).toMatch(/^[1-9]\d*:[1-9]\d*$/);
  });

  it('starts under an init, without a shell that would keep signals to itself', () => {
    expect(execForm(imageInstruction('ENTRYPOINT'))).toEqual(['/usr/bin/tini', '--']);
    expect(execForm(imageInstruction('CMD'))).toEqual(['node', 'dist/main.js']);
  });

  it('exposes the port that the program listens on', () => {
    expect(argumentsOf(imageInstruction('EXPOSE'))).toBe(String(readEnvironment({}).environment.PORT));
  });

  it('sets variables that the program reads, and none that is secret', () => {
    const set = Object.keys(assignments('ENV'));
    expect(set.filter((name) => !ENVIRONMENT_NAMES.includes(name))).toEqual([]);
    const kept = [...set, ...Object.keys(assignments('ARG'))];
    expect(kept.filter((name) => /SECRET|TOKEN|PASSW|KEY|URI|URL|DSN/i.test(name))).toEqual([]);
    expect(assignments('ENV')['NODE_ENV']).toBe('production');
  });

  it('says in its labels what it holds, from which source and of which version', () => {
    const { license } = JSON.parse(read('package.json')) as { license: string };
    const labels = assignments('LABEL');
    expect(labels).toMatchObject({
      'org.opencontainers.image.title': 'TaskFlow',
      'org.opencontainers.image.licenses': license,
      'org.opencontainers.image.version': '$VERSION',
      'org.opencontainers.image.revision': '$COMMIT',
      'org.opencontainers.image.source': '$SOURCE',
    });
    expect(Object.keys(assignments('ARG')).sort()).toEqual(['COMMIT', 'SOURCE', 'VERSION']);
  });

  it('installs packages as the lock file says, and runs none of their scripts', () => {
    const installs = all('RUN')
      .map(argumentsOf)
      .filter((command) => /\b(npm|npx|yarn|pnpm) [a-z]/.test(command));
    expect(installs).toEqual([
      expect.stringMatching(/^npm ci .*--ignore-scripts/),
      expect.stringMatching(/^npm ci --omit=dev .*--ignore-scripts/),
    ]);
    expect(all('ADD')).toEqual([]);
  });
});

describe('.dockerignore', () => {
  it.each([
    '.git/config',
    '.env',
    '.npmrc',
    '.data/secrets.json',
    'deploy/compose/secrets/jwt_keys',
    'node_modules/fastify/package.json',
    'dist/main.js',
    'test/support/app.ts',
    'src/config/keys.spec.ts',
    'k8s/base/kustomization.yaml',
    'left-by-somebody.pem',
  ])('keeps %s from the builder', (path) => {
    expect(contextFilter()(path)).toBe(true);
  });

  it('lets through only what the Dockerfile copies', () => {
    const sources = all('COPY')
      .map(copyOf)
      .flatMap(({ from, sources: paths }) => (from ? [] : paths));
    const files = contextFiles();
    expect(files.filter((file) => !sources.some((path) => file === path || file.startsWith(`${path}/`)))).toEqual([]);
    expect(files.length).toBeGreaterThan(100);
  });
});
