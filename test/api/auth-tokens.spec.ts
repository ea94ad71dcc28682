import { JwtService } from '@nestjs/jwt';
import {
  createHmac,
  createPublicKey,
  createVerify,
  generateKeyPairSync,
  type JsonWebKey,
  type KeyObject,
} from 'node:crypto';
import { Clock } from '../../src/core/time/clock.js';
import { generateJwtKey } from '../../src/config/keys.js';
import { UsersService } from '../../src/modules/users/index.js';
import { startTestApp, type TestApp } from '../support/app.js';
import { signIn, signUp, type Client } from '../support/clients.js';
import { expectProblem } from '../support/problems.js';

type Json = Record<string, unknown>;
const decode = (part = ''): Json => JSON.parse(Buffer.from(part, 'base64url').toString()) as Json;
const encode = (part: Json): string => Buffer.from(JSON.stringify(part)).toString('base64url');

describe('the access token', () => {
  let app: TestApp;
  let ada: Client;
  let privateKey: KeyObject;
  let publicKey: KeyObject;
  let kid: string;
  beforeAll(async () => {
    app = await startTestApp();
    ada = await signUp(app);
    const [key] = app.config.jwt.keys;
    ({ kid, publicKey } = key!);
    privateKey = key!.privateKey!;
  });
  afterAll(() => app.close());
  afterEach(() => {
    jest.restoreAllMocks();
  });

  const me = (token: string) => app.http.get('/api/v1/users/me').set('authorization', `Bearer ${token}`);
  const jwt = new JwtService();
  /** A token like ours, apart from what the test changes. */
  const forge = (claims: Json = {}, header: Json = {}, key: KeyObject = privateKey): string => {
    const { iat: _iat, exp: _exp, ...ours } = decode(ada.token.split('.')[1]);
    const exp = Math.floor(Date.now() / 1000) + 900;
    return jwt.sign({ ...ours, exp, ...claims }, {
      privateKey: key,
      algorithm: 'ES256',
      header: { typ: 'at+jwt', kid, alg: 'ES256', ...header },
    } as never);
  };
  const signed = (header: Json, claims: Json, signature = ''): string =>
    `${encode(header)}.${encode(claims)}.${signature}`;

  it('has the header and the claims of RFC 9068, and lives for 15 minutes', () => {
    const [header, claims] = ada.token.split('.');
    expect(decode(header)).toEqual({ alg: 'ES256', typ: 'at+jwt', kid });
    const body = decode(claims);
    expect(body).toEqual({
      iss: 'taskflow',
      aud: 'taskflow-api',
      sub: ada.user.id,
      sid: expect.stringMatching(/^[\da-f-]{36}$/),
      jti: expect.stringMatching(/^[\da-f-]{36}$/),
      role: 'user',
      ver: 1,
      iat: expect.any(Number),
      exp: (body['iat'] as number) + 900,
    });
    expect(Math.abs((body['iat'] as number) - Date.now() / 1000)).toBeLessThan(60);
  });

  it('has an id of its own, and names its session', async () => {
    const other = await signIn(app, ada);
    const [one, two] = [ada, other].map(({ token }) => decode(token.split('.')[1]));
    expect(one!['jti']).not.toBe(two!['jti']);
    expect(one!['sid']).not.toBe(two!['sid']);
    const { body } = await other.get('/auth/sessions').expect(200);
    expect(body.items.find(({ current }: { current: boolean }) => current).id).toBe(two!['sid']);
  });

  it('is good when it is like this one, so that the refusals below have their one reason', async () => {
    await me(forge()).expect(200);
  });

  it.each<[string, () => string]>([
    ['nonsense', () => 'nonsense'],
    [
      'a changed claim',
      () => ada.token.replace(/\.[^.]+\./, `.${encode({ ...decode(ada.token.split('.')[1]), role: 'admin' })}.`),
    ],
    ['a changed signature', () => ada.token.replace(/.{8}$/, 'AAAAAAAA')],
    ['no signature', () => ada.token.replace(/[^.]+$/, '')],
    ['alg none', () => signed({ alg: 'none', typ: 'at+jwt', kid }, decode(ada.token.split('.')[1]))],
    ['the public key as an HMAC secret', () => hmacWithPublicKey()],
    ['another key under our kid', () => forge({}, {}, generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey)],
    ['an unknown kid', () => forge({}, { kid: 'unknown' })],
    ['no kid', () => forge({}, { kid: undefined })],
    ['a kid that is a path', () => forge({}, { kid: '../../dev/null' })],
    ['the type of an ID token', () => forge({}, { typ: 'JWT' })],
    ['no type', () => forge({}, { typ: undefined })],
    ['its key along with it', () => forge({}, { kid: 'mine', jwk: publicKey.export({ format: 'jwk' }) })],
    ['a foreign audience', () => forge({ aud: 'another-api' })],
    ['a foreign issuer', () => forge({ iss: 'another-issuer' })],
    ['an expiry in the past', () => forge({ exp: Math.floor(Date.now() / 1000) - 1 })],
    ['a beginning in the future', () => forge({ nbf: Math.floor(Date.now() / 1000) + 600 })],
  ])('is refused with %s: 401 auth.token_invalid', async (_what, token) => {
    const answer = await me(token());
    expectProblem(answer, 401, 'auth.token_invalid');
    expect(answer.headers['www-authenticate']).toBe('Bearer error="invalid_token"');
  });

  function hmacWithPublicKey(): string {
    const header = { alg: 'HS256', typ: 'at+jwt', kid };
    const secret = publicKey.export({ format: 'pem', type: 'spki' });
    const claims = decode(ada.token.split('.')[1]);
    const text = `${encode(header)}.${encode(claims)}`;
    return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`;
  }

  it.each(['Basic dXNlcjpwYXNz', 'Bearer', 'Bearer ', 'bearer'])('is missing in Authorization: %s', async (header) => {
    const answer = await app.http.get('/api/v1/users/me').set('authorization', header);
    expect(answer.status).toBe(401);
    expect(answer.headers['www-authenticate']).toMatch(/^Bearer/);
  });

  it('is asked for with a plain Bearer challenge when there is none: 401 auth.token_missing', async () => {
    const answer = await app.http.get('/api/v1/users/me');
    expectProblem(answer, 401, 'auth.token_missing');
    expect(answer.headers['www-authenticate']).toBe('Bearer');
  });

  it('is refused after 15 minutes, also where it was verified before', async () => {
    const { token } = await signUp(app);
    await me(token).expect(200);
    const now = Date.now();
    jest.spyOn(app.app.get(Clock), 'now').mockImplementation(() => new Date(now + 901_000));
    expectProblem(await me(token), 401, 'auth.token_invalid');
  });

  it('is refused once its role is not the user’s any more', async () => {
    const client = await signUp(app);
    const users = app.app.get(UsersService);
    await users.changeByAdmin(client.user.id, { role: 'admin' }, { id: 'an-admin' });
    expectProblem(await client.get('/users/me'), 401, 'auth.token_invalid');
  });

  it('survives a change of the profile', async () => {
    const client = await signUp(app);
    await client.patch('/users/me').send({ name: 'Ada King' }).expect(200);
    await client.get('/users/me').expect(200);
  });

  it('is taken from the header only, never from the address', async () => {
    expectProblem(await app.http.get(`/api/v1/users/me?access_token=${ada.token}`), 401, 'auth.token_missing');
  });

  describe('GET /auth/.well-known/jwks.json', () => {
    const paths = ['/api/v1/auth/.well-known/jwks.json', '/.well-known/jwks.json'];

    it.each(paths)('answers the public keys at %s, to anybody and cacheable', async (path) => {
      const answer = await app.http.get(path);
      expect(answer.status).toBe(200);
      expect(answer.headers['content-type']).toMatch(/^application\/json/);
      expect(answer.headers['cache-control']).toBe('public, max-age=300');
      const { x, y } = publicKey.export({ format: 'jwk' });
      expect(answer.body).toEqual({ keys: [{ kty: 'EC', crv: 'P-256', x, y, kid, use: 'sig', alg: 'ES256' }] });
    });

    it('has what verifies a token', async () => {
      const { body } = await app.http.get(paths[0]!).expect(200);
      const key = createPublicKey({ key: body.keys[0] as JsonWebKey, format: 'jwk' });
      const [header, claims, signature = ''] = ada.token.split('.');
      const verify = createVerify('sha256').update(`${header}.${claims}`);
      expect(verify.verify({ key, dsaEncoding: 'ieee-p1363' }, Buffer.from(signature, 'base64url'))).toBe(true);
    });

    it('lists a former key too, whose tokens are good until they expire', async () => {
      const [former, latest] = [generateJwtKey(), generateJwtKey()];
      const before = await startTestApp({ JWT_KEYS: former, MONGODB_URI: app.mongoUri });
      const client = await signUp(before);
      await before.close();
      const after = await startTestApp({ JWT_KEYS: `${latest},${former}`, MONGODB_URI: app.mongoUri });
      try {
        const kids = [latest, former].map((key) => key.split(':', 1)[0]);
        const { body } = await after.http.get(paths[0]!).expect(200);
        expect(body.keys.map((key: { kid: string }) => key.kid)).toEqual(kids);
        await after.http.get('/api/v1/users/me').set('authorization', `Bearer ${client.token}`).expect(200);
        const fresh = await signUp(after);
        expect(decode(fresh.token.split('.')[0])['kid']).toBe(kids[0]);
      } finally {
        await after.close();
      }
    });
  });
});
