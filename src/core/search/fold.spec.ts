import { distinctWords, fold, MAX_WORD_LENGTH, words } from './fold.js';

describe('fold', () => {
  it.each([
    ['Ünïcode', 'unicode'],
    ['e\u0301cole', 'ecole'],
    ['Straße', 'strasse'],
    ['STRASSE', 'strasse'],
    ['ẞ', 'ss'],
    ['İstanbul', 'istanbul'],
    ['ﬁnance', 'finance'],
    ['Ｆｕｌｌ', 'full'],
    ['Ångström', 'angstrom'],
    ['Việt Nam', 'viet nam'],
    ['ЁЛКА', 'елка'],
    ['한국어', '한국어'],
    ['', ''],
  ])('%s is %s', (text, folded) => {
    expect(fold(text)).toBe(folded);
  });

  it('does not tell the two forms of a small sigma apart, so that a prefix in capitals matches', () => {
    expect(fold('ΟΔΟΣΤΡΩΤΗΡΑΣ').startsWith(fold('ΟΔΟΣ'))).toBe(true);
    expect(fold('ὁδός')).toBe(fold('ΟΔΟΣ'));
  });

  it.each(['Straße', 'İı', 'ﬃ ™ ½', 'ὁδός', 'ǅ', 'नमस्ते', '\u{1F600}'])('%s folds to what folds to itself', (text) => {
    expect(fold(fold(text))).toBe(fold(text));
  });
});

describe('words', () => {
  it('are runs of letters and digits, in order', () => {
    expect(words('Buy 2 apples, don’t forget: e-mail_bob!')).toEqual([
      'buy',
      '2',
      'apples',
      'don',
      't',
      'forget',
      'e',
      'mail',
      'bob',
    ]);
  });

  it('are none in a text without letters', () => {
    expect(words(' … \u{1F600} -- ')).toEqual([]);
  });

  it('are cut by code points, never inside one', () => {
    expect(words('x'.repeat(MAX_WORD_LENGTH + 1))).toEqual(['x'.repeat(MAX_WORD_LENGTH)]);
    expect(words('𝒳𠀀'.repeat(MAX_WORD_LENGTH))).toEqual(['x𠀀'.repeat(MAX_WORD_LENGTH / 2)]);
    expect(words('𠀀'.repeat(MAX_WORD_LENGTH))).toEqual(['𠀀'.repeat(MAX_WORD_LENGTH)]);
  });
});

describe('distinctWords', () => {
  it('keeps the first of each over all texts', () => {
    expect(distinctWords(['Plan the trip', 'THE plan, thé end'], 10)).toEqual(['plan', 'the', 'trip', 'end']);
  });

  it('stops at the limit', () => {
    expect(distinctWords(['a b a c', 'd e'], 3)).toEqual(['a', 'b', 'c']);
    expect(distinctWords(['a b'], 2)).toEqual(['a', 'b']);
  });
});
