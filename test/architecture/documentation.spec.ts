import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import '../../src/app.module.js';
import { errorCatalogue } from '../../src/core/errors/domain-error.js';
import { statusOfKind } from '../../src/core/errors/problem.js';

const root = join(__dirname, '../..');
const read = (file: string): string => readFileSync(join(root, file), 'utf8');

describe('docs/errors.md', () => {
  const rows = [...read('docs/errors.md').matchAll(/^\| `([a-z_.]+)` +\| (\d{3}) +\| (.+?) +\| (.+?) +\|$/gm)];

  it('lists every error the program can answer with its status, and no other', () => {
    const documented = Object.fromEntries(rows.map(([, code, status]) => [code, Number(status)]));
    const defined = [...errorCatalogue.values()].map(({ code, kind }) => [code, statusOfKind[kind]]);
    expect(documented).toEqual(Object.fromEntries(defined));
    expect(rows).toHaveLength(errorCatalogue.size);
  });
});

describe('documents', () => {
  const folders = ['', 'docs', 'docs/adr', 'k8s', 'src/embedded/mongo'];
  const documents = folders.flatMap((folder) =>
    readdirSync(join(root, folder))
      .filter((name) => name.endsWith('.md'))
      .map((name) => join(folder, name)),
  );

  it.each(documents)('%s points to what is there', (document) => {
    const broken = [...read(document).matchAll(/\]\((?!https?:)([^)#]*)(#[^)]*)?\)/g)].filter(([, path, anchor]) => {
      const target = path === '' ? document : relative(root, join(root, dirname(document), path!));
      if (!existsSync(join(root, target))) return true;
      return anchor !== undefined && !anchorsOf(read(target)).includes(anchor);
    });
    expect(broken.map(([link]) => link)).toEqual([]);
  });

  it('list every decision in the index', () => {
    const decisions = documents.filter((path) => /docs\/adr\/\d{4}-/.test(path));
    const index = read('docs/adr/README.md');
    expect(decisions.filter((path) => !index.includes(`](${relative('docs/adr', path)})`))).toEqual([]);
    expect(decisions.length).toBeGreaterThan(0);
  });

  it('keep decisions to one page', () => {
    for (const path of documents.filter((name) => /docs\/adr\/\d{4}-/.test(name))) {
      expect([path, read(path).split('\n').length <= 41]).toEqual([path, true]);
    }
  });

  it('name only npm scripts that exist', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    const sources = [...documents, '.github/workflows/ci.yml', '.env.example'];
    const named = sources.flatMap((path) => [...read(path).matchAll(/\bnpm run ([a-z:]+)/g)].map(([, name]) => name!));
    expect([...new Set(named)].filter((name) => !(name in scripts))).toEqual([]);
  });
});

/** The anchors that GitHub gives to the headings of a document. */
function anchorsOf(markdown: string): string[] {
  return [...markdown.matchAll(/^#+ (.+)$/gm)].map(
    ([, heading]) =>
      `#${heading!
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-')}`,
  );
}
