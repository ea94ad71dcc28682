import { tasksCache } from './tasks.cache.js';

const nameOf = (query: Record<string, unknown>) => tasksCache.firstPage('ada', query)?.name;

describe('tasksCache.firstPage', () => {
  it('is the same entry for the same parameters in any order, and another for any other', () => {
    expect(nameOf({ limit: '5', status: ['todo', 'done'] })).toBe(nameOf({ status: ['todo', 'done'], limit: '5' }));
    const different = [
      {},
      { limit: '5' },
      { limit: '6' },
      { status: '5' },
      { status: ['5'] },
      { status: 'a', limit: '5' },
    ];
    expect(new Set(different.map(nameOf)).size).toBe(different.length);
  });

  it('keeps neither later pages nor searches', () => {
    expect(nameOf({ cursor: '' })).toBeUndefined();
    expect(nameOf({ q: '', sort: 'title' })).toBeUndefined();
  });
});
