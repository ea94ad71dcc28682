import { compileExpression } from './expressions.js';
import { type Doc, MongoFault, badValue } from './fault.js';
import { compileOperators, equalTo, matchesRegex } from './filter-operators.js';
import { type Path, fieldReader, parsePath, someAt } from './paths.js';
import { type Predicate, type Scope, type Test, every, isOperatorDoc } from './predicate.js';
import { isRegex, toRegExp } from './regex.js';
import { truthy } from './truth.js';
import { isDoc } from './values.js';

/** Compiles MongoDB's query language once, so that it can be run over many documents. */
export function compileFilter(filter: Doc): Predicate {
  return every(Object.entries(filter).flatMap(([name, condition]) => compileEntry(name, condition)));
}

function compileEntry(name: string, condition: unknown): Predicate[] {
  if (!name.startsWith('$')) return [compileField(parsePath(name), condition)];
  switch (name) {
    case '$and':
      return clauses(condition);
    case '$or': {
      const tests = clauses(condition);
      return [(doc) => tests.some((test) => test(doc))];
    }
    case '$nor': {
      const tests = clauses(condition);
      return [(doc) => !tests.some((test) => test(doc))];
    }
    case '$expr':
      return [compileExpr(condition)];
    case '$comment':
      return [];
    default:
      throw unknownTopLevel(name);
  }
}

function unknownTopLevel(name: string): MongoFault {
  if (name === '$text') return badValue('$text can only be applied to the top level');
  if (name === '$where') return badValue('no globalScriptEngine in $where parsing');
  return badValue(
    `unknown top level operator: ${name}. If you have a field name that starts with a '$' symbol, consider using $getField or $setField.`,
  );
}

function clauses(condition: unknown): Predicate[] {
  if (!Array.isArray(condition) || condition.length === 0) throw badValue('$and/$or/$nor must be a nonempty array');
  return condition.map((clause: unknown) => {
    if (!isDoc(clause)) throw badValue('$or/$and/$nor entries need to be full objects');
    return compileFilter(clause);
  });
}

function compileExpr(condition: unknown): Predicate {
  const evaluate = compileExpression(condition);
  const now = new Date();
  return (doc) => truthy(evaluate({ root: doc, now, variables: undefined }));
}

function compileField(path: Path, condition: unknown): Predicate {
  const scope = pathScope(path);
  if (isOperatorDoc(condition)) return compileOperators(condition, scope, compileFilter);
  if (isRegex(condition)) return scope(matchesRegex(toRegExp(condition), condition), false);
  return scope(equalTo(condition), false);
}

function pathScope(path: Path): Scope<Doc> {
  if (path.parts.length === 1) return fieldScope(path.text);
  return (test, whole) => {
    const visit = whole
      ? test
      : (value: unknown, expandable: boolean): boolean => (expandable ? anyOf(value, test) : test(value));
    return (doc) => someAt(doc, path, visit);
  };
}

function fieldScope(name: string): Scope<Doc> {
  const read = fieldReader(name);
  return (test, whole) => (whole ? (doc) => test(read(doc)) : (doc) => anyOf(read(doc), test));
}

function anyOf(value: unknown, test: Test): boolean {
  if (typeof value !== 'object' || !Array.isArray(value)) return test(value);
  for (const element of value) if (test(element)) return true;
  return test(value);
}
