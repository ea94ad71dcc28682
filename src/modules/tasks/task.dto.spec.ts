import { changeOf, contentOf } from './task.dto.js';

describe('changeOf', () => {
  it('has what the patch names, and defaults for null', () => {
    expect(changeOf({})).toEqual({});
    expect(changeOf({ title: 'x', dueAt: '2026-03-01T10:00:00+01:00' })).toEqual({
      title: 'x',
      dueAt: new Date('2026-03-01T09:00:00Z'),
    });
    expect(
      changeOf({ description: null, status: null, priority: null, dueAt: null, reminders: null, tags: null }),
    ).toEqual({
      description: '',
      status: 'todo',
      priority: 'medium',
      dueAt: null,
      reminders: null,
      tags: [],
    });
  });

  it('takes an unset field for an absent one', () => {
    expect(changeOf({ title: undefined, dueAt: undefined })).toEqual({});
  });
});

describe('contentOf', () => {
  it('fills in what was left out', () => {
    expect(contentOf({ title: 'x', priority: 'low' })).toEqual({
      title: 'x',
      description: '',
      status: 'todo',
      priority: 'low',
      dueAt: null,
      reminders: null,
      tags: [],
    });
  });
});
