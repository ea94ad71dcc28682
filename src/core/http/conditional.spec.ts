import type { FastifyRequest } from 'fastify';
import { RequestMalformed } from '../errors/core.errors.js';
import { isNotModified, versionTag } from './conditional.js';

const asked = (header: string | undefined, method = 'GET'): boolean =>
  isNotModified({ method, headers: { 'if-none-match': header } } as unknown as FastifyRequest, '"7"');

describe('If-None-Match', () => {
  it('is quoted in the tag of a version', () => {
    expect(versionTag(7)).toBe('"7"');
  });

  it.each(['"7"', 'W/"7"', '"1", "7"', '"1",W/"7" ,"9"', '*', ' "7" '])('%s names the tag', (header) => {
    expect(asked(header)).toBe(true);
  });

  it.each([undefined, '"8"', '"77"', 'W/"1", "2"', '""'])('%s does not', (header) => {
    expect(asked(header)).toBe(false);
  });

  it.each(['7', '"7', 'w/"7"', '"7" "8"', '"7",', '*, "7"', ''])('%s is malformed', (header) => {
    expect(() => asked(header)).toThrow(RequestMalformed);
  });

  it('counts for reads only', () => {
    expect(asked('"7"', 'HEAD')).toBe(true);
    expect(asked('"7"', 'POST')).toBe(false);
  });

  it('is judged in no time however long it is', () => {
    const started = performance.now();
    expect(() => asked(`${'"1" '.repeat(20_000)}x`)).toThrow(RequestMalformed);
    expect(() => asked(`${' '.repeat(60_000)}x`)).toThrow(RequestMalformed);
    expect(performance.now() - started).toBeLessThan(1000);
  });
});
