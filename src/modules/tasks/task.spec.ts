import {
  changeTask,
  createTask,
  DEFAULT_CONTENT,
  removeTask,
  restoreTask,
  trashTask,
  type Decision,
  type Task,
  type TaskContent,
} from './task.js';
import { TaskUpdated } from './tasks.events.js';

const born = new Date('2026-01-01T00:00:00Z');
const later = new Date('2026-01-02T00:00:00Z');

const made = (content: Partial<TaskContent> = {}): Task =>
  createTask('1', 'ada', { ...DEFAULT_CONTENT, title: 'A task', ...content }, born).task;
const names = ({ events }: Decision): string[] => events.map(({ constructor }) => constructor.name);
const changed = (task: Task, change: Partial<TaskContent>): Task => changeTask(task, change, later)!.task;

describe('createTask', () => {
  it('begins with version 1, live and not completed', () => {
    const decision = createTask('1', 'ada', { ...DEFAULT_CONTENT, title: 'A task' }, born);
    expect(decision.task).toMatchObject({ place: 'live', version: 1, completedAt: null, deletedAt: null });
    expect(names(decision)).toEqual(['TaskCreated']);
  });

  it('completes a task that is done at once', () => {
    const decision = createTask('1', 'ada', { ...DEFAULT_CONTENT, title: 'A task', status: 'done' }, born);
    expect(decision.task.completedAt).toEqual(born);
    expect(names(decision)).toEqual(['TaskCreated', 'TaskCompleted']);
  });
});

describe('changeTask', () => {
  it('names what has another value now', () => {
    const task = made({ tags: ['a'], dueAt: born });
    const decision = changeTask(task, { title: 'New', tags: ['a'], dueAt: new Date(born), priority: 'low' }, later)!;
    expect(decision.task).toEqual({ ...task, title: 'New', priority: 'low', version: 2, updatedAt: later });
    expect((decision.events[0] as TaskUpdated).fields).toEqual(['title', 'priority']);
  });

  it('decides nothing when nothing changes', () => {
    const task = made({ tags: ['a', 'b'], dueAt: born, reminders: [{ minutesBefore: 60 }], status: 'done' });
    const { title, description, status, priority, dueAt, tags } = task;
    const same = { title, description, status, priority, dueAt: new Date(dueAt!), tags: [...tags] };
    expect(changeTask(task, { ...same, reminders: [{ minutesBefore: 60 }] }, later)).toBeUndefined();
    expect(changeTask(task, {}, later)).toBeUndefined();
  });

  it.each([
    [{ tags: ['b', 'a'] }, { tags: ['a', 'b'] }],
    [{ tags: ['a'] }, { tags: ['a', 'b'] }],
    [{ dueAt: null }, { dueAt: born }],
    [{ dueAt: born }, { dueAt: null }],
    [{ dueAt: born }, { dueAt: later }],
    [{ description: 'x' }, { description: '' }],
    [{ reminders: null }, { reminders: [] }],
    [{ reminders: [] }, { reminders: null }],
    [{ reminders: [{ minutesBefore: 60 }] }, { reminders: [{ minutesBefore: 61 }] }],
  ] as [Partial<TaskContent>, Partial<TaskContent>][])('from %j to %j is a change', (before, after) => {
    expect(changed(made(before), after)).toMatchObject({ ...after, version: 2 });
  });

  it('keeps the untouched texts themselves, by which the repository knows them', () => {
    const task = made({ tags: ['a'] });
    const after = changed(task, { status: 'done', tags: ['a'] });
    expect(after.tags).toBe(task.tags);
  });

  it('sets completedAt on the way to done only, and clears it on the way back', () => {
    const done = changed(made(), { status: 'done' });
    expect(done.completedAt).toEqual(later);
    const renamed = changeTask(done, { title: 'New' }, new Date('2026-02-01T00:00:00Z'))!;
    expect(renamed.task.completedAt).toEqual(later);
    expect(names(renamed)).toEqual(['TaskUpdated']);
    expect(changed(done, { status: 'cancelled' }).completedAt).toBeNull();
  });

  it('tells of a completion beside the update', () => {
    expect(names(changeTask(made(), { status: 'done' }, later)!)).toEqual(['TaskUpdated', 'TaskCompleted']);
  });
});

describe('the places of a task', () => {
  it('trash and back leave what the owner wrote', () => {
    const task = made({ status: 'done', tags: ['a'] });
    const trashed = trashTask(task, later);
    expect(trashed.task).toEqual({ ...task, place: 'trash', deletedAt: later, updatedAt: later, version: 2 });
    const restored = restoreTask(trashed.task, later);
    expect(restored.task).toEqual({ ...task, updatedAt: later, version: 3 });
    expect([...names(trashed), ...names(restored)]).toEqual(['TaskDeleted', 'TaskRestored']);
  });

  it('what is removed keeps nothing its owner wrote', () => {
    const removed = removeTask(made({ title: 'Secret', description: 'Secret', tags: ['secret'] }), later);
    expect(removed.task).toMatchObject({ place: 'gone', version: 2 });
    expect(JSON.stringify(removed)).not.toMatch(/secret/i);
    expect(names(removed)).toEqual(['TaskRemoved']);
  });
});
