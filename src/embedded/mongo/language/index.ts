/**
 * The language of MongoDB's documents: order, filters, updates, projections, sorts and pipelines.
 *
 * Values are what `bson.deserialize(bytes, {promoteLongs: false, promoteBuffers: false, bsonRegExp: true})`
 * gives. A plain number is an int32 if it is integral and fits, otherwise a double; where a computed double
 * would be mistaken for an int32 it is a `Double`. Documents are never changed, so results share parts with
 * their inputs; do not change results either. `undefined` is a missing field.
 */
export { compareValues, hashKey, valuesEqual } from './compare.js';
export { type Doc, MongoFault } from './fault.js';
export { compileFilter } from './filter.js';
export { valuesAt } from './paths.js';
export { runPipeline } from './pipeline.js';
export { compileProjection } from './projection.js';
export { compileSort } from './sort.js';
export { type UpdateOptions, applyUpdate } from './update.js';
export { documentFromFilter } from './upsert.js';
export { EMPTY_ARRAY } from './values.js';
