import { MAX_TERMS, searchFieldsOf } from './task-search.js';

describe('searchFieldsOf', () => {
  it('folds, and keeps title and the rest apart for the score', () => {
    expect(searchFieldsOf({ title: 'Crème BRÛLÉE!', description: 'crème, 2 eggs', tags: ['Süß'] })).toEqual({
      titleFolded: 'creme brulee!',
      terms: ['creme', 'brulee', 'suss', '2', 'eggs'],
      searchTitle: 'creme brulee',
      searchText: 'suss creme 2 eggs',
    });
  });

  it('searches the first 500 different words: of the title, the tags, then the description', () => {
    const description = Array.from({ length: 700 }, (_, n) => `w${n} w0`).join(' ');
    const { terms, searchText } = searchFieldsOf({ title: 'title', description, tags: ['tag'] });
    expect(terms).toHaveLength(MAX_TERMS);
    expect(terms.slice(0, 3)).toEqual(['title', 'tag', 'w0']);
    expect(terms.at(-1)).toBe('w497');
    expect(searchText.split(' ')).toHaveLength(1401);
  });
});
