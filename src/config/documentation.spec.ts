import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Environment, ENVIRONMENT_NAMES, readEnvironment, SECRET_NAMES } from './environment.js';

const root = join(__dirname, '../..');
const read = (file: string): string => readFileSync(join(root, file), 'utf8');

/** Every variable with its default as text, or undefined where what applies depends on others. */
const defaults = Object.fromEntries(
  ENVIRONMENT_NAMES.map((name) => {
    const value = new Environment()[name as keyof Environment];
    return [name, value === undefined ? undefined : String(value)];
  }),
);

describe('README.md', () => {
  const rows = [...read('README.md').matchAll(/^\| `([A-Z][A-Z0-9_]+)`( 🔑)? +\| (?:`([^`]*)`|–) +\| (.+?) +\|$/gm)];

  it('lists every variable with its default, and no other', () => {
    expect(Object.fromEntries(rows.map(([, name, , value]) => [name, value]))).toEqual(defaults);
    expect(rows).toHaveLength(ENVIRONMENT_NAMES.length);
  });

  it('marks the secrets', () => {
    const marked = rows.filter(([, , mark]) => mark).map(([, name]) => name);
    expect(new Set(marked)).toEqual(new Set(SECRET_NAMES));
  });
});

describe('.env.example', () => {
  const lines = [...read('.env.example').matchAll(/^# ([A-Z][A-Z0-9_]+)=(.*)$/gm)];

  it('lists every variable once, with its default or empty', () => {
    expect(Object.fromEntries(lines.map(([, name, value]) => [name, value || undefined]))).toEqual(defaults);
    expect(lines).toHaveLength(ENVIRONMENT_NAMES.length);
  });

  it('sets nothing by itself', () => {
    expect(read('.env.example')).not.toMatch(/^[^#\n]/m);
  });

  it('changes nothing when all its lines count', () => {
    const set = Object.fromEntries(lines.map(([, name, value]) => [name, value]));
    expect(readEnvironment(set)).toEqual(readEnvironment({}));
    expect(readEnvironment(set).problems).toEqual([]);
  });

  it('explains every variable in the line above it', () => {
    const unexplained = lines.filter(({ index, input }) => !/\n# [A-Za-z0-9].*[^=\n]\n$/.test(input.slice(0, index)));
    expect(unexplained.map(([, name]) => name)).toEqual([]);
  });
});
