import { type Doc, MongoFault } from './fault.js';

export interface Scope {
  readonly root: Doc;
  readonly now: Date;
  readonly variables: undefined;
}
export type Expression = (scope: Scope) => unknown;

export function compileExpression(expression: unknown): Expression {
  throw new MongoFault(168, 'InvalidPipelineOperator', `Unrecognized expression '${String(expression)}'`);
}
