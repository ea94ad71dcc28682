import { randomUUID } from 'node:crypto';
import {
  digest,
  newRefreshToken,
  readRefreshToken,
  seal,
  successorOf,
  unseal,
  writeRefreshToken,
} from './refresh-token.js';

const fresh = () => newRefreshToken('0123456789abcdef01234567', randomUUID());

describe('refresh token', () => {
  it('is read as it was written', () => {
    const token = fresh();
    expect(readRefreshToken(writeRefreshToken(token))).toEqual(token);
  });

  it('has a secret of 256 bits that no other token has', () => {
    const token = fresh();
    expect(token.secret).toHaveLength(32);
    expect(fresh().secret.equals(token.secret)).toBe(false);
  });

  it('keeps the family and changes the secret in its successor', () => {
    const token = fresh();
    const successor = successorOf(token);
    expect(successor.family.equals(token.family)).toBe(true);
    expect(successor.secret.equals(token.secret)).toBe(false);
  });

  it.each([
    ['nothing', ''],
    ['a word', 'token'],
    ['a short secret', `0123456789abcdef01234567.${randomUUID()}.abc`],
    ['a user id of another shape', `me.${randomUUID()}.${'a'.repeat(64)}`],
    ['something behind it', `${writeRefreshToken(fresh())}x`],
    ['an access token', 'eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl'],
  ])('is not read from %s', (_what, text) => {
    expect(readRefreshToken(text)).toBeUndefined();
  });

  it('has a digest from which the secret does not show', () => {
    const { secret } = fresh();
    expect(digest(secret)).toHaveLength(43);
    expect(digest(secret)).not.toContain(secret.toString('base64url').slice(0, 8));
  });
});

describe('sealed successor', () => {
  const parent = fresh();
  const successor = successorOf(parent);

  it('is read by whoever holds the parent', () => {
    expect(unseal(seal(successor, parent), parent)).toEqual(successor);
  });

  it('is not read with the successor, another secret or in another session', () => {
    const sealed = seal(successor, parent);
    expect(() => unseal(sealed, successor)).toThrow(/unable to authenticate/);
    expect(() => unseal(sealed, successorOf(parent))).toThrow(/unable to authenticate/);
    expect(() => unseal(sealed, { ...parent, sessionId: randomUUID() })).toThrow(/unable to authenticate/);
  });

  it('shows nothing of the successor', () => {
    expect(Buffer.from(seal(successor, parent), 'base64url').includes(successor.secret)).toBe(false);
  });
});
