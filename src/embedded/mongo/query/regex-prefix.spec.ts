import { regexPrefix } from './regex-prefix.js';

describe('regexPrefix', () => {
  it.each([
    ['^abc', '', 'abc'],
    ['^abc.*', '', 'abc'],
    ['^ab*c', '', 'a'],
    ['^ab?c', '', 'a'],
    ['^ab{0,2}', '', 'a'],
    ['^ab+c', '', 'ab'],
    ['^a\\.b', '', 'a.b'],
    ['^a\\d', '', 'a'],
    ['^a\\', '', 'a'],
    ['^\u{1f600}?x', '', ''],
    ['^é(x)', '', 'é'],
    ['^a|b', '', ''],
    ['^a\\|b', '', 'a|b'],
    ['abc', '', ''],
    ['^abc', 'i', ''],
    ['^abc', 'm', ''],
    ['^abc', 's', 'abc'],
    ['^', '', ''],
  ])('%s with flags "%s" begins with "%s"', (pattern, flags, prefix) => {
    expect(regexPrefix(pattern, flags)).toBe(prefix);
  });
});
