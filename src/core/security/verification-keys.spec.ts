import { Logger } from '@nestjs/common';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { AppConfig } from '../../config/config.js';
import type { DatabaseReadiness } from '../mongo/database-readiness.js';
import { VerificationKeys } from './verification-keys.js';

const newKey = (kid: string): Record<string, unknown> => ({
  ...generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' }),
  kid,
  use: 'sig',
  alg: 'ES256',
});

Logger.overrideLogger(false);

describe('VerificationKeys of JWT_JWKS_URL', () => {
  let server: Server;
  let asked = 0;
  let answer: () => { status?: number; body: string };
  let keys: VerificationKeys;
  let firstContact: () => Promise<void>;

  beforeEach(async () => {
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'setTimeout', 'clearTimeout', 'queueMicrotask'] });
    asked = 0;
    server = createServer((_request, response) => {
      asked++;
      const { status = 200, body } = answer();
      response.writeHead(status, { location: '/elsewhere' }).end(body);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const config = { jwt: { keys: [], jwksUrl: `http://127.0.0.1:${port}/jwks` } } as unknown as AppConfig;
    const readiness = { onFirstContact: (_name: string, run: () => Promise<void>) => (firstContact = run) };
    keys = new VerificationKeys(config, readiness as unknown as DatabaseReadiness);
    keys.onModuleInit();
  });
  afterEach(async () => {
    keys.onApplicationShutdown();
    jest.useRealTimers();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  const listed = (...jwks: unknown[]): void => {
    answer = () => ({ body: JSON.stringify({ keys: jwks }) });
  };

  it('are fetched before the process is ready', async () => {
    listed(newKey('a'));
    await firstContact();
    expect((await keys.find('a'))?.asymmetricKeyType).toBe('ec');
    expect(asked).toBe(1);
  });

  it.each([
    ['has another status', { status: 500, body: '{}' }, 'status 500'],
    ['leads elsewhere', { status: 302, body: '' }, 'fetch failed'],
    ['is not JSON', { body: 'keys' }, 'JSON'],
    ['is no key set', { body: '{"keys":7}' }, 'no key set'],
    ['has no key', { body: '{"keys":[null,{},{"kty":"EC","crv":"P-256","kid":"a","x":"!","y":"!"}]}' }, 'no ES256 key'],
    ['is too long', { body: JSON.stringify({ keys: [newKey('a')], padding: 'x'.repeat(65_536) }) }, 'too long'],
  ])('keep the process from being ready while the answer %s', async (_what, given, reason) => {
    answer = () => given;
    await expect(firstContact()).rejects.toThrow(reason);
  });

  it('are those for ES256 signatures and no others', async () => {
    const symmetric = { kty: 'oct', k: 'c2VjcmV0', kid: 'symmetric', alg: 'HS256' };
    const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' });
    const p384 = { ...publicKey.export({ format: 'jwk' }), kid: 'p384' };
    const encryption = { ...newKey('encryption'), use: 'enc' };
    listed(newKey('a'), symmetric, p384, encryption, { ...newKey('b'), alg: 'ES384' });
    await firstContact();
    for (const kid of ['symmetric', 'p384', 'encryption', 'b']) expect(await keys.find(kid)).toBeUndefined();
    expect(await keys.find('a')).toBeDefined();
  });

  it('are fetched again for a key that nobody knows yet, once for all who wait', async () => {
    listed(newKey('a'));
    await firstContact();
    jest.advanceTimersByTime(5000);
    listed(newKey('a'), newKey('b'));
    const found = await Promise.all([keys.find('b'), keys.find('b'), keys.find('a')]);
    expect(found.every(Boolean)).toBe(true);
    expect(asked).toBe(2);
  });

  it('are not asked for more often than every five seconds, however many keys are made up', async () => {
    listed(newKey('a'));
    await firstContact();
    for (let i = 0; i < 20; i++) expect(await keys.find(`forged-${i}`)).toBeUndefined();
    expect(asked).toBe(1);
    jest.advanceTimersByTime(5000);
    for (let i = 0; i < 20; i++) expect(await keys.find(`forged-${i}`)).toBeUndefined();
    expect(asked).toBe(2);
  });

  it('stay good while the address is away', async () => {
    listed(newKey('a'));
    await firstContact();
    answer = () => ({ status: 503, body: '' });
    jest.advanceTimersByTime(5000);
    expect(await keys.find('b')).toBeUndefined();
    expect(asked).toBe(2);
    expect(await keys.find('a')).toBeDefined();
  });

  it('follow the list within a minute: a withdrawn key is gone, and who trusted it is told', async () => {
    const withdrawn = jest.fn();
    keys.whenWithdrawn(withdrawn);
    const [a, b] = [newKey('a'), newKey('b')];
    listed(a);
    await firstContact();
    const after = async (...jwks: unknown[]): Promise<void> => {
      listed(...jwks);
      const asking = once(server, 'request');
      jest.advanceTimersByTime(60_000);
      await asking;
      // Waits for the same answer.
      await keys.find('made-up');
    };
    await after(a, b);
    expect(await keys.find('b')).toBeDefined();
    expect(withdrawn).not.toHaveBeenCalled();
    await after(b);
    expect(await keys.find('a')).toBeUndefined();
    expect(withdrawn).toHaveBeenCalledTimes(1);
    await after({ ...newKey('a'), kid: 'b' });
    expect(withdrawn).toHaveBeenCalledTimes(2);
  });
});
