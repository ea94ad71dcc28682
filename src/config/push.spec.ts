import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfig } from './config.js';
import { ConfigError } from './environment.js';
import { generateJwtKey } from './keys.js';

const server = { MONGODB_URI: 'mongodb://localhost', JWT_KEYS: generateJwtKey(), SECRET_KEY: 'x'.repeat(32) };
const key = Buffer.alloc(32, 1).toString('base64url');

describe('the key for pushes', () => {
  it('is whole: the public part belongs to the private one', () => {
    const { push } = loadConfig({ ...server, VAPID_PRIVATE_KEY: key });
    expect(push).toMatchObject({ privateKey: key, subject: 'mailto:no-reply@localhost' });
    expect(Buffer.from(push!.publicKey, 'base64url')).toHaveLength(65);
  });

  it('names whom to complain to: VAPID_SUBJECT, or the address of MAIL_FROM', () => {
    const subject = (environment: Record<string, string>): string =>
      loadConfig({ ...server, VAPID_PRIVATE_KEY: key, ...environment }).push!.subject;
    expect(subject({ MAIL_FROM: 'Ada <ada@example.org>' })).toBe('mailto:ada@example.org');
    expect(subject({ MAIL_FROM: 'ada@example.org' })).toBe('mailto:ada@example.org');
    expect(subject({ VAPID_SUBJECT: 'https://example.org/contact' })).toBe('https://example.org/contact');
  });

  it('is refused when it is none', () => {
    const zero = Buffer.alloc(32).toString('base64url');
    expect(() => loadConfig({ ...server, VAPID_PRIVATE_KEY: zero })).toThrow(ConfigError);
  });

  it('has to be given to a server, and embedded mode has the same after a restart', () => {
    expect(loadConfig(server).push).toBeUndefined();
    const directory = mkdtempSync(join(tmpdir(), 'taskflow-push-'));
    try {
      const [first, second] = [loadConfig({ DATA_DIR: directory }), loadConfig({ DATA_DIR: directory })];
      expect(first.push!.publicKey).toBe(second.push!.publicKey);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});
