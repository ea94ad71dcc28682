import { lintSource } from '@secretlint/core';
import { creator as recommended } from '@secretlint/secretlint-rule-preset-recommend';
import { spawnSync } from 'node:child_process';

/** Passwords and keys that tests made up. Whatever is found and is not among them is a secret. */
const MADE_UP = [
  'hunter2',
  'secret-word',
  'hidden-password',
  'kX2vQ9mT4rZ7wB1nL6pD3sF8hJ5gC0yA',
  'kq3vX0p7hYB2mN8sD5wE1rT6uJ9cLzFa',
  'Zk3v9Qw7Lr2x8Tn5Bm1c6Yp4Hs0dGfJu',
  // No secret: in the history it once stood behind a colon.
  'UserEmailVerificationRequested',
];

/** What the recommended rules do not know: our form of `JWT_KEYS`, access tokens, and random values with a telling name. */
const PATTERNS = [
  /\bMIGHAgEAMBMGByqGSM49[\w+/-]{40,}/g,
  /\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{20,}/g,
  /(?:secret|token|passw|key)[\w.]*['"]?\s*[:=]\s*['"`]?(?<random>[\w+=-][\w+/=-]{23,})/gi,
];
/** Bits a character; English text and names have less than 3.7. */
const RANDOM = 3.7;

interface Text {
  readonly name: string;
  readonly content: string;
}

/** What looks like a secret, as `<name>: <what>` and cut short: the report is no place for it either. */
export async function findSecrets(texts: Iterable<Text>): Promise<string[]> {
  const found: string[] = [];
  for (const batch of batchesOf(texts)) {
    for (const [at, secret] of await search(batch.map(({ content }) => content).join('\n'))) {
      let end = 0;
      const { name } = batch.find(({ content }) => at < (end += content.length + 1))!;
      found.push(`${name}: ${secret.slice(0, 12)}…`);
    }
  }
  return found;
}

/** Secretlint's time grows with the square of the number of texts, so it gets few and long ones. */
function* batchesOf(texts: Iterable<Text>, length = 1 << 20): Generator<Text[]> {
  let batch: Text[] = [];
  let size = 0;
  for (const text of texts) {
    batch.push(text);
    size += text.content.length;
    if (size < length) continue;
    yield batch;
    [batch, size] = [[], 0];
  }
  if (batch.length > 0) yield batch;
}

/** @returns where they begin, and what they are */
async function search(content: string): Promise<[at: number, secret: string][]> {
  const source = { filePath: '/text', content, contentType: 'text', ext: '' } as const;
  const config = { rules: [{ id: 'recommended', rule: recommended }] };
  const { messages } = await lintSource({ source, options: { config, noPhysicFilePath: true } });
  const known = messages.map(({ range: [from, to] }): [number, string] => [from, content.slice(from, to)]);
  const own = PATTERNS.flatMap((pattern) => [...content.matchAll(pattern)])
    .filter(({ groups }) => !groups || entropy(groups['random']!) >= RANDOM)
    .map(({ index, 0: secret }): [number, string] => [index, secret]);
  return [...known, ...own].filter(([, secret]) => !MADE_UP.some((text) => secret.includes(text)));
}

/** Shannon's, in bits a character. */
function entropy(text: string): number {
  const counts = new Map<string, number>();
  for (const letter of text) counts.set(letter, (counts.get(letter) ?? 0) + 1);
  const shares = [...counts.values()].map((count) => count / text.length);
  return -shares.reduce((sum, share) => sum + share * Math.log2(share), 0);
}

/** Every version of every file, and every message, in the history that a repository has. */
export function* historyOf(repository: string): Generator<Text> {
  const git = (args: string[], input = ''): Buffer => {
    const { status, stdout, stderr } = spawnSync('git', args, { cwd: repository, input, maxBuffer: 1 << 30 });
    if (status !== 0) throw new Error(`git ${args[0]} says: ${stderr.toString().trim()}`);
    return stdout;
  };
  if (git(['rev-parse', '--is-shallow-repository']).toString().trim() !== 'false') {
    throw new Error(
      'This clone is shallow, so nobody can tell what the rest of its history holds: git fetch --unshallow',
    );
  }
  const listed = git(['rev-list', '--objects', '--all']).toString().trim().split('\n');
  const names = new Map(listed.map((line) => [line.slice(0, 40), line.slice(41)]));
  const objects = git(['cat-file', '--batch'], [...names.keys()].join('\n'));
  // Each: `<id> <type> <size>`, a line feed, the content, a line feed.
  for (let at = 0; at < objects.length;) {
    const begin = objects.indexOf('\n', at) + 1;
    const [id = '', type, size] = objects.toString('utf8', at, begin - 1).split(' ');
    at = begin + Number(size) + 1;
    if (type === 'tree') continue;
    yield { name: names.get(id) || `${type} ${id}`, content: objects.toString('utf8', begin, at - 1) };
  }
}
