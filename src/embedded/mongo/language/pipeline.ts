import { type Doc, type MongoFault, located, typeMismatch } from './fault.js';
import { compileFilter } from './filter.js';
import { compileGroup } from './group.js';
import { compileBucket, compileSortByCount } from './group-shorthands.js';
import { compileLookup } from './lookup.js';
import { toDouble } from './numbers.js';
import { compileAddFields, compileProjectStage } from './projection.js';
import { compileReplace, compileUnset, compileUnwind } from './reshape.js';
import { show } from './show.js';
import { compileSort } from './sort.js';
import { type CompileStage, type PipelineContext, type Stage, filtering, mapping } from './stage.js';
import { isDoc, isNumeric } from './values.js';

export type { PipelineContext } from './stage.js';

/**
 * Runs an aggregation. All stages are checked before the first document is read; a `$text` in the first
 * `$match` has been taken out by the caller. `collection` serves `$lookup`.
 */
export function runPipeline(docs: Iterable<Doc>, pipeline: Doc[], context: PipelineContext): Doc[] {
  return [...compilePipeline(pipeline, context)(docs)];
}

const STAGES: ReadonlyMap<string, CompileStage> = new Map<string, CompileStage>([
  ['$match', compileMatch],
  ['$project', (spec, { now }) => mapping(compileProjectStage(spec), now)],
  ['$addFields', (spec, { now }) => mapping(compileAddFields('$addFields', spec), now)],
  ['$set', (spec, { now }) => mapping(compileAddFields('$set', spec), now)],
  ['$unset', (spec, { now }) => mapping(compileUnset(spec), now)],
  ['$group', (spec, { now }) => compileGroup(spec, now)],
  ['$bucket', (spec, { now }) => compileBucket(spec, now)],
  ['$sortByCount', (spec, { now }) => compileSortByCount(spec, now)],
  ['$sort', compileSortStage],
  ['$limit', compileLimit],
  ['$skip', compileSkip],
  ['$unwind', compileUnwind],
  ['$count', compileCount],
  ['$facet', compileFacet],
  ['$replaceRoot', (spec, { now }) => mapping(compileReplace('$replaceRoot', newRoot(spec)), now)],
  ['$replaceWith', (spec, { now }) => mapping(compileReplace('$replaceWith', spec), now)],
  ['$lookup', compileLookup],
]);

function compilePipeline(pipeline: readonly unknown[], context: PipelineContext): Stage {
  const stages = pipeline.map((stage) => compileStage(stage, context));
  return (docs) => stages.reduce((input, stage) => stage(input), docs);
}

function compileStage(stage: unknown, context: PipelineContext): Stage {
  if (!isDoc(stage)) throw typeMismatch("Each element of the 'pipeline' array must be an object");
  const [entry, other] = Object.entries(stage);
  if (entry === undefined || other !== undefined) {
    throw located(40323, 'A pipeline stage specification object must contain exactly one field.');
  }
  const [name, spec] = entry;
  const compile = STAGES.get(name);
  if (compile === undefined) throw located(40324, `Unrecognized pipeline stage name: '${name}'`);
  return compile(spec, context);
}

function compileMatch(spec: unknown): Stage {
  if (!isDoc(spec)) throw located(15959, 'the match filter must be an expression in an object');
  return filtering(compileFilter(spec));
}

function compileSortStage(spec: unknown): Stage {
  if (!isDoc(spec)) throw located(15973, 'the $sort key specification must be an object');
  if (Object.keys(spec).length === 0) throw located(15976, '$sort stage must have at least one sort key');
  const compare = compileSort(spec);
  return (docs) => [...docs].sort(compare);
}

function compileLimit(spec: unknown): Stage {
  const limit = wholeNumber('$limit', spec, 2107201);
  if (limit <= 0) throw located(15958, 'the limit must be positive');
  return function* (docs) {
    let left = limit;
    for (const doc of docs) {
      yield doc;
      if (--left === 0) return;
    }
  };
}

function compileSkip(spec: unknown): Stage {
  const skip = wholeNumber('$skip', spec, 5107200);
  if (skip < 0)
    throw located(5107200, `invalid argument to $skip stage: Expected a non-negative number in: $skip: ${show(spec)}`);
  return function* (docs) {
    let left = skip;
    for (const doc of docs) if (left-- <= 0) yield doc;
  };
}

function wholeNumber(name: string, spec: unknown, code: number): number {
  const value = isNumeric(spec) ? toDouble(spec) : NaN;
  if (Number.isInteger(value)) return value;
  throw located(
    code,
    `invalid argument to ${name} stage: Expected ${isNumeric(spec) ? 'an integer' : 'a number in'}: ${name}: ${show(spec)}`,
  );
}

function compileCount(spec: unknown): Stage {
  if (typeof spec !== 'string' || spec === '') throw located(40156, 'the count field must be a non-empty string');
  if (spec.startsWith('$')) throw located(40158, 'the count field cannot be a $-prefixed path');
  if (spec.includes('.')) throw located(40160, "the count field cannot contain '.'");
  return (docs) => {
    let count = 0;
    for (const _ of docs) count++;
    return count === 0 ? [] : [{ [spec]: count }];
  };
}

function compileFacet(spec: unknown, context: PipelineContext): Stage {
  if (!isDoc(spec) || Object.keys(spec).length === 0) {
    throw located(40169, 'the $facet specification must be a non-empty object');
  }
  const facets = Object.entries(spec).map(([name, pipeline]) => {
    if (!Array.isArray(pipeline)) throw located(40170, `arguments to $facet must be arrays, ${name} is not an array`);
    if (pipeline.some((stage) => isDoc(stage) && Object.hasOwn(stage, '$facet'))) throw nestedFacet();
    return [name, compilePipeline(pipeline, context)] as const;
  });
  return (docs) => {
    const input = [...docs];
    return [Object.fromEntries(facets.map(([name, run]) => [name, [...run(input)]]))];
  };
}

function nestedFacet(): MongoFault {
  return located(40600, '$facet is not allowed to be used within a $facet stage');
}

function newRoot(spec: unknown): unknown {
  if (!isDoc(spec)) throw located(40229, 'expected an object as specification for $replaceRoot stage');
  const extra = Object.keys(spec).find((name) => name !== 'newRoot');
  if (extra !== undefined) throw located(40415, `BSON field '$replaceRoot.${extra}' is an unknown field.`);
  if (!Object.hasOwn(spec, 'newRoot')) throw located(40231, 'no newRoot specified for the $replaceRoot stage');
  return spec['newRoot'];
}
