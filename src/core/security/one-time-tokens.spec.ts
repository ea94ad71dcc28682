import type { AppConfig } from '../../config/config.js';
import { OneTimeTokens } from './one-time-tokens.js';

const tokensOf = (secret: string): OneTimeTokens =>
  new OneTimeTokens({ secretKey: Buffer.from(secret) } as unknown as AppConfig);
const tokens = tokensOf('a key of this test');
const userId = '0123456789abcdef01234567';

describe('a one-time token', () => {
  it('is derived from its id, by any process with the same key', () => {
    const { id, hash } = tokens.issue('open', userId);
    const token = tokens.tokenOf('open', id);
    expect(token).toMatch(/^0123456789abcdef01234567\.[\w-]{22}\.[\w-]{43}$/);
    expect(tokensOf('a key of this test').read('open', token)).toEqual({ userId, hash });
  });

  it('is another one each time, and neither its id nor its hash contains it', () => {
    const [first, second] = [tokens.issue('open', userId), tokens.issue('open', userId)];
    expect(first.id).not.toBe(second.id);
    const proof = tokens.tokenOf('open', first.id).split('.')[2]!;
    expect(`${first.id} ${first.hash}`).not.toContain(proof);
  });

  it('is nothing for another purpose, or with another key', () => {
    const { id } = tokens.issue('open', userId);
    const token = tokens.tokenOf('open', id);
    expect(tokens.read('close', token)).toBeUndefined();
    expect(tokensOf('another key').read('open', token)).toBeUndefined();
  });

  it('is nothing once a single character differs, the unused bits of the last one included', () => {
    const token = tokens.tokenOf('open', tokens.issue('open', userId).id);
    for (let at = 0; at < token.length; at++) {
      const other = token[at] === 'a' ? 'b' : 'a';
      expect(tokens.read('open', token.slice(0, at) + other + token.slice(at + 1))).toBeUndefined();
    }
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    const sibling = alphabet[alphabet.indexOf(token.at(-1)!) ^ 1]!;
    expect(Buffer.from(sibling, 'base64url')).toEqual(Buffer.from(token.at(-1)!, 'base64url'));
    expect(tokens.read('open', token.slice(0, -1) + sibling)).toBeUndefined();
  });

  it.each(['', 'x', `${userId}.`, 'é'.repeat(91), `${userId}.${'a'.repeat(22)}.${'a'.repeat(43)}`, '.'.repeat(91)])(
    'is not %p',
    (text) => {
      expect(tokens.read('open', text)).toBeUndefined();
    },
  );
});
