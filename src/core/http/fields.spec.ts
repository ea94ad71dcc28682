import { codePoints, DateTime, DistinctTexts, EmailAddress, Line, Locale, Optional, Text, TimeZone } from './fields.js';
import { validateInput } from './validation.pipe.js';

class Input {
  @Optional() @Text(2, 4) text?: unknown;
  @Optional() @Line(5) line?: unknown;
  @Optional() @EmailAddress() email?: unknown;
  @Optional() @DistinctTexts(3, 4) tags?: unknown;
  @Optional() @DateTime() at?: unknown;
  @Optional() @TimeZone() timeZone?: unknown;
  @Optional() @Locale() locale?: unknown;
}

/** The codes of what is wrong with one field. */
function codesOf(field: keyof Input, value: unknown): readonly string[] {
  try {
    validateInput(Input, { [field]: value });
    return [];
  } catch (error) {
    const { errors } = (error as { options: { errors: { pointer: string; code: string }[] } }).options;
    return errors.map(({ pointer, code }) => `${pointer} ${code}`);
  }
}

const LONE_SURROGATE = `ab${String.fromCharCode(0xd800)}`;

describe('fields', () => {
  it('may be absent, and not null', () => {
    expect(codesOf('text', undefined)).toEqual([]);
    expect(codesOf('text', null)).toEqual(['/text text']);
  });

  it('counts code points', () => {
    expect(codePoints('a😀é')).toBe(3);
    expect(codePoints('')).toBe(0);
  });

  it.each<[keyof Input, unknown[]]>([
    ['text', ['ab', '😀😀😀😀', '  ']],
    ['line', ['a', ' a ', '😀😀😀😀😀']],
    ['email', ['ada@example.org', 'Ada+tasks@EXAMPLE.co.uk', 'jürgen@example.org']],
    ['tags', [[], ['a'], ['a', 'b', '😀😀😀😀']]],
    ['at', ['2026-03-01T09:00:00Z', '2024-02-29T23:59:59.999+05:30', '9999-12-31T23:59:59Z']],
    ['timeZone', ['UTC', 'Europe/Berlin', 'Asia/Kolkata', 'Etc/GMT+5', 'America/Argentina/Buenos_Aires']],
    ['locale', ['en', 'de-AT', 'zh-Hant-TW']],
  ])('takes what %s may be', (field, values) => {
    for (const value of values) expect([value, codesOf(field, value)]).toEqual([value, []]);
  });

  it.each<[keyof Input, string, unknown[]]>([
    ['text', 'text', ['a', 'abcde', '😀😀😀😀😀', LONE_SURROGATE, 12, ['ab'], { length: 3 }]],
    ['line', 'text', ['', '   ', '\u00a0\t', 'abcdef', LONE_SURROGATE, 1]],
    [
      'email',
      'email',
      ['', 'ada', 'ada@', '@example.org', 'a b@example.org', 'ada@example', `${'a'.repeat(250)}@b.org`, 1],
    ],
    ['tags', 'distinct_texts', [['a', 'a'], ['a', 'b', 'c', 'd'], [''], ['abcde'], [1], 'a', { 0: 'a', length: 1 }]],
    [
      'at',
      'date_time',
      [
        '2026-03-01',
        '2026-03-01T09:00:00',
        '2026-02-30T00:00:00Z',
        '2026-03-01T25:00:00Z',
        '0000-01-01T00:00:00Z',
        1,
        '',
      ],
    ],
    ['timeZone', 'time_zone', ['', '+02:00', 'Mars/Olympus', 'Europe/Berlin\n', 2]],
    ['locale', 'locale', ['', 'e', 'en_GB!', 'x'.repeat(40), 2]],
  ])('refuses what %s may not be, with the code %s', (field, code, values) => {
    for (const value of values) expect([value, codesOf(field, value)]).toEqual([value, [`/${field} ${code}`]]);
  });
});
