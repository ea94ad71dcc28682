import { Ajv } from 'ajv';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parse } from 'yaml';
import { temporaryDirectory } from '../support/dist.js';
import { complaintsAbout, type Workflows } from '../support/workflow-policies.js';

const ROOT = join(__dirname, '../..');
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');
const manifest = JSON.parse(read('package.json')) as { engines: { node: string }; scripts: Record<string, string> };

const files: Workflows = Object.fromEntries(
  readdirSync(join(ROOT, '.github'), { recursive: true, encoding: 'utf8' })
    .filter((path) => /^(workflows|actions)\/.*\.yml$/.test(path))
    .map((path) => [`.github/${path}`, read(`.github/${path}`)]),
);
const complaints = (changed: Workflows = {}): Promise<string[]> =>
  complaintsAbout({ ...files, ...changed }, { root: ROOT, scripts: manifest.scripts });

describe('.github', () => {
  it('has workflows for changes, for main, for releases and for the search for holes', () => {
    const workflows = ['ci', 'codeql', 'main', 'production'].map((name) => `.github/workflows/${name}.yml`);
    expect(Object.keys(files)).toEqual(expect.arrayContaining(workflows));
  });

  it('has only workflows that GitHub understands, with few rights, an end, and nothing that moves under them', async () => {
    expect(await complaints()).toEqual([]);
  });

  const replace = (name: string, from: string | RegExp, to: string): Workflows => {
    const path = `.github/${name}`;
    const changed = files[path]!.replace(from, to);
    if (changed === files[path]) throw new Error(`${path} has nothing like ${String(from)}`);
    return { [path]: changed };
  };
  it.each<[string, Workflows, RegExp]>([
    [
      'a step that GitHub does not know',
      replace('workflows/ci.yml', '- run: npm ci', '- runs: npm ci'),
      /unexpected key/,
    ],
    ['an action without a shell', replace('actions/build-image/action.yml', / +shell: bash\n/, ''), /no shell for/],
    ['an action of no kind', replace('actions/build-image/action.yml', 'using: composite', 'using: bash'), /no action/],
    ['a job that waits for none', replace('workflows/main.yml', 'needs: ci', 'needs: cj'), /"cj" which does not exist/],
    [
      'an output that is not there',
      replace('workflows/main.yml', 'steps.push.outputs', 'steps.pull.outputs'),
      /"pull"/,
    ],
    ['rights for all', replace('workflows/ci.yml', 'permissions: {}', 'permissions: write-all'), /rights to every job/],
    [
      'no word of rights',
      replace('workflows/ci.yml', / +permissions:\n +contents: read\n/, ''),
      /nothing of its rights/,
    ],
    ['one right too many', replace('workflows/ci.yml', 'contents: read', 'contents: write'), /test writes contents/],
    ['a job without an end', replace('workflows/main.yml', / +timeout-minutes: 20\n/, ''), /may run without end/],
    ['two at a time', replace('workflows/main.yml', /concurrency:\n.*\n/, ''), /twice at a time/],
    ['rights for strangers', replace('workflows/ci.yml', 'pull_request:', 'pull_request_target:'), /strangers send/],
    [
      'secrets for strangers',
      replace('workflows/ci.yml', "node-version: '20.19'", 'token: ${{ secrets.X }}'),
      /secrets/,
    ],
    ['a moving action', replace('workflows/ci.yml', /checkout@\w+ # v[\d.]+/, 'checkout@v7'), /not pinned/],
    ['a pin without its version', replace('workflows/ci.yml', / # v7\.0\.1/, ''), /not pinned/],
    ['two versions', replace('workflows/ci.yml', /checkout@3d/, 'checkout@4d'), /in several versions/],
    [
      'an action of ours that is not there',
      replace('workflows/ci.yml', 'actions/build-image', 'actions/x'),
      /not there/,
    ],
    [
      'a token that stays',
      replace('workflows/ci.yml', 'persist-credentials: false', 'clean: true'),
      /its token behind/,
    ],
    [
      'words of strangers in a script',
      replace('workflows/ci.yml', 'npm run check', 'echo ${{ github.head_ref }}'),
      /an expression in a script/,
    ],
    ['a script of npm that is not there', replace('workflows/ci.yml', 'npm run check', 'npm run chek'), /npm run chek/],
    ['a file that is not there', replace('workflows/main.yml', 'k8s/deploy.sh', 'k8s/roll.sh'), /k8s\/roll\.sh is not/],
    [
      'a directory that is not there',
      replace('workflows/main.yml', 'overlays/staging', 'overlays/test'),
      /test is not/,
    ],
  ])('complains about %s', async (_what, changed, complaint) => {
    expect((await complaints(changed)).join('\n')).toMatch(complaint);
  });

  it('tests on the oldest Node that is supported and on the one of the image, and delivers nothing untested', () => {
    const { jobs } = parse(files['.github/workflows/ci.yml']!);
    const oldest = /^>=(.+)$/.exec(manifest.engines.node)![1];
    const shipped = /^FROM node:(\d+)\./m.exec(read('Dockerfile'))![1];
    expect(jobs.test.strategy.matrix.node).toEqual([oldest, shipped]);
    const main = parse(files['.github/workflows/main.yml']!).jobs;
    expect([main.ci.uses, main.image.needs, main.staging.needs]).toEqual(['./.github/workflows/ci.yml', 'ci', 'image']);
    const production = parse(files['.github/workflows/production.yml']!).jobs;
    expect([production.deploy.needs, production.release.needs]).toEqual(['promote', 'deploy']);
    for (const job of [production.deploy, production['by-hand']])
      expect(job.environment.name ?? job.environment).toBe('production');
  });
});

describe('.github/dependabot.yml', () => {
  const { updates } = parse(read('.github/dependabot.yml'));

  it('is of the form that its reference gives', () => {
    const validate = new Ajv({ allErrors: true }).compile(DEPENDABOT);
    expect(validate(parse(read('.github/dependabot.yml'))) ? [] : validate.errors).toEqual([]);
    expect(validate({ version: 2, updates: [{ ...updates[0], schedule: { interval: 'hourly' } }] })).toBe(false);
    expect(validate({ version: 2, updates: [{ ...updates[0], grups: {} }] })).toBe(false);
  });

  it('watches everything that has versions', () => {
    const watched = updates.flatMap((update: Record<string, string> & { directories?: string[] }) =>
      (update.directories ?? [update['directory']]).map((directory) => `${update['package-ecosystem']} ${directory}`),
    );
    const { stdout } = spawnSync('git', ['ls-files'], { cwd: ROOT, encoding: 'utf8' });
    const has = (ecosystem: string, file: RegExp): string[] =>
      stdout
        .split('\n')
        .flatMap((path) => (file.test(path) ? [`${ecosystem} /${dirname(path).replace(/^\.$/, '')}`] : []));
    const all = [
      ...has('npm', /(^|\/)package-lock\.json$/),
      ...has('docker', /(^|\/)Dockerfile$/),
      ...has('docker-compose', /(^|\/)docker-compose\.yml$/),
      ...has('github-actions', /(^|\/)action\.yml$/),
      'github-actions /',
    ];
    expect(all.length).toBeGreaterThan(4);
    expect(watched.toSorted()).toEqual(all.toSorted());
  });
});

describe('tools/release-notes.mjs', () => {
  const changelog =
    '# Changelog\n\n## [Unreleased]\n\n## [1.2.0] - 2026-12-01\n\n### Added\n\n- Tags\n\n## [1.1.0]\n\n- Old\n';
  const run = async (tag: string, text = changelog): Promise<{ status: number | null; output: string }> => {
    const directory = await temporaryDirectory();
    writeFileSync(join(directory.path, 'package.json'), '{ "version": "1.2.0" }');
    writeFileSync(join(directory.path, 'CHANGELOG.md'), text);
    const program = join(ROOT, 'tools/release-notes.mjs');
    const { status, stdout, stderr } = spawnSync(process.execPath, [program, tag], {
      cwd: directory.path,
      encoding: 'utf8',
    });
    await directory.remove();
    return { status, output: stdout + stderr };
  };

  it('prints what the changelog says of the version', async () => {
    expect(await run('v1.2.0')).toEqual({ status: 0, output: '### Added\n\n- Tags\n' });
  });

  it.each([
    ['a tag that is no version', 'latest', changelog, 'Usage: node tools/release-notes.mjs v1.2.3'],
    ['the version of another tag', 'v1.3.0', changelog, 'The tag says 1.3.0 and package.json 1.2.0.'],
    [
      'a version without notes',
      'v1.2.0',
      changelog.replace('[1.2.0]', '[1.2.1]'),
      'CHANGELOG.md says nothing of 1.2.0: rename its section Unreleased.',
    ],
  ])('refuses %s in one sentence', async (_what, tag, text, sentence) => {
    expect(await run(tag, text)).toEqual({ status: 1, output: `${sentence}\n` });
  });
});

/** Written from the options reference of Dependabot, as far as the file uses it: no package carries GitHub's schema. */
const DEPENDABOT = {
  type: 'object',
  required: ['version', 'updates'],
  additionalProperties: false,
  properties: {
    version: { const: 2 },
    updates: {
      type: 'array',
      minItems: 1,
      items: {
        type: 'object',
        required: ['package-ecosystem', 'schedule'],
        oneOf: [{ required: ['directory'] }, { required: ['directories'] }],
        additionalProperties: false,
        properties: {
          'package-ecosystem': { enum: ['npm', 'github-actions', 'docker', 'docker-compose'] },
          directory: { type: 'string', pattern: '^/' },
          directories: { type: 'array', minItems: 1, items: { type: 'string', pattern: '^/' } },
          schedule: {
            type: 'object',
            required: ['interval'],
            additionalProperties: false,
            properties: { interval: { enum: ['daily', 'weekly', 'monthly'] } },
          },
          cooldown: {
            type: 'object',
            additionalProperties: false,
            properties: { 'default-days': { type: 'integer', minimum: 1, maximum: 90 } },
          },
          groups: {
            type: 'object',
            additionalProperties: {
              type: 'object',
              additionalProperties: false,
              properties: {
                patterns: { type: 'array', items: { type: 'string' } },
                'dependency-type': { enum: ['development', 'production'] },
                'update-types': { type: 'array', items: { enum: ['major', 'minor', 'patch'] } },
              },
            },
          },
          ignore: {
            type: 'array',
            items: {
              type: 'object',
              required: ['dependency-name'],
              additionalProperties: false,
              properties: {
                'dependency-name': { type: 'string' },
                'update-types': {
                  type: 'array',
                  items: { type: 'string', pattern: '^version-update:semver-(major|minor|patch)$' },
                },
              },
            },
          },
        },
      },
    },
  },
} as const;
