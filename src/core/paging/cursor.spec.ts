import { loadConfig } from '../../config/config.js';
import { generateJwtKey } from '../../config/keys.js';
import { CursorInvalid } from '../errors/core.errors.js';
import { CursorCodec } from './cursor.js';

const codecWith = (secretKey: string): CursorCodec =>
  new CursorCodec(
    loadConfig({ MONGODB_URI: 'mongodb://localhost', JWT_KEYS: generateJwtKey(), SECRET_KEY: secretKey }),
  );

describe('CursorCodec', () => {
  const codec = codecWith('one key that has at least 32 bytes');
  const binding = ['user-1', { status: ['todo'] }, '-createdAt'];
  const position = { at: '2026-11-21T10:00:00.000Z', id: 'abc', title: 'Ünïcode \u{1F600}' };
  const cursor = codec.encode(binding, position);

  it('gives the position back', () => {
    expect(codec.decode(binding, cursor)).toEqual(position);
  });

  it('fits into a URL as it is', () => {
    expect(encodeURIComponent(cursor)).toBe(cursor);
  });

  it('is read by another process with the same key', () => {
    expect(codecWith('one key that has at least 32 bytes').decode(binding, cursor)).toEqual(position);
  });

  it.each([
    ['another user', ['user-2', { status: ['todo'] }, '-createdAt']],
    ['another filter', ['user-1', { status: ['done'] }, '-createdAt']],
    ['another order', ['user-1', { status: ['todo'] }, 'createdAt']],
    ['nothing', []],
  ])('is refused with %s', (_what, other) => {
    expect(() => codec.decode(other, cursor)).toThrow(CursorInvalid);
  });

  it('is refused when any of its characters changed', () => {
    for (let at = 0; at < cursor.length; at++) {
      const changed = cursor.slice(0, at) + (cursor[at] === 'A' ? 'B' : 'A') + cursor.slice(at + 1);
      expect(() => codec.decode(binding, changed)).toThrow(CursorInvalid);
    }
  });

  it.each([
    ['empty', ''],
    ['shorter than a signature', 'AAAA'],
    ['cut', cursor.slice(0, -1)],
    ['longer', `${cursor}A`],
    ['padded', `${cursor}=`],
    ['not base64url', 'häh?'],
    ['in the alphabet of base64', '+/+/'.repeat(8)],
  ])('is refused when it is %s', (_what, text) => {
    expect(() => codec.decode(binding, text)).toThrow(CursorInvalid);
  });

  it('is refused when another key signed it', () => {
    expect(() => codecWith('another key of at least 32 bytes!!').decode(binding, cursor)).toThrow(CursorInvalid);
  });
});
