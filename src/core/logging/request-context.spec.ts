import { traceIdOf } from './request-context.js';

const trace = '4bf92f3577b34da6a3ce929d0e0e4736';

describe('traceIdOf', () => {
  it('reads the trace id of a traceparent', () => {
    expect(traceIdOf(`00-${trace}-00f067aa0ba902b7-01`)).toBe(trace);
  });

  it('reads a later version, which may have more parts', () => {
    expect(traceIdOf(`01-${trace}-00f067aa0ba902b7-01-more`)).toBe(trace);
  });

  it.each([
    ['nothing', undefined],
    ['several headers', [`00-${trace}-00f067aa0ba902b7-01`]],
    ['a trace id of zeros', `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`],
    ['a parent id of zeros', `00-${trace}-${'0'.repeat(16)}-01`],
    ['the version ff', `ff-${trace}-00f067aa0ba902b7-01`],
    ['version 00 with more parts', `00-${trace}-00f067aa0ba902b7-01-more`],
    ['capitals', `00-${trace.toUpperCase()}-00f067aa0ba902b7-01`],
    ['a short trace id', `00-${trace.slice(1)}-00f067aa0ba902b7-01`],
    ['text after it', `00-${trace}-00f067aa0ba902b7-01\n`],
  ])('ignores %s', (_what, header) => {
    expect(traceIdOf(header)).toBeUndefined();
  });
});
