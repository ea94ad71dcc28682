import { taskSchema } from './task.schema.js';

describe('the indexes of tasks', () => {
  it('weigh a word of the title ten times as much as one of the description', () => {
    const weights = taskSchema.indexes().flatMap(([, { weights: given }]) => (given ? [given] : []));
    expect(weights).toEqual([{ searchTitle: 10, searchText: 1 }]);
  });

  it('are twelve at most, since every write pays for each', () => {
    expect(taskSchema.indexes().length).toBeLessThanOrEqual(12);
  });
});
