import { isDocument } from '../documents.js';
import { faults } from '../faults.js';
import type { Doc } from '../language/index.js';
import { executionStats, winningPlan } from '../query/explain.js';
import { Query } from '../query/query.js';
import type { QueryRequest } from '../query/request.js';
import { aggregateCommands } from './aggregate.js';
import { Call, type Command } from './command.js';
import { countingCommands } from './counting.js';
import { findCommands, findRequest } from './find.js';
import { splitPipeline } from './pipeline-head.js';
import { hintOf } from './read.js';
import { VERSION } from './handshake.js';

const VERBOSITIES = new Set(['queryPlanner', 'executionStats', 'allPlansExecution']);

function explain(call: Call): Doc {
  const [inner] = Object.values(call.body);
  if (!isDocument(inner)) throw faults.typeMismatch('explain command requires a nested object');
  const verbosity = call.string('verbosity', 'allPlansExecution');
  if (!VERBOSITIES.has(verbosity))
    throw faults.failedToParse('verbosity string must be one of {queryPlanner, executionStats, allPlansExecution}');
  const { asked, request, rest } = explained(call, inner);
  const plans = explainQuery(asked, request, verbosity);
  const reply = rest.length === 0 ? plans : { stages: [{ $cursor: plans }, ...rest] };
  return { explainVersion: '1', ...reply, command: inner, serverInfo: { version: VERSION }, ok: 1 };
}

interface Explained {
  readonly asked: Call;
  readonly request: QueryRequest;
  readonly rest: readonly Doc[];
}

function explained(call: Call, inner: Doc): Explained {
  const name = Object.keys(inner)[0] ?? '';
  const command = [...findCommands, ...countingCommands, ...aggregateCommands].find((one) => one.name === name);
  if (!command) throw faults.notSupported(`explain of ${name}`);
  const asked = new Call(call.engine, command, { ...inner, $db: call.database }, call.message, call.connection);
  const hint = hintOf(asked.body['hint']);
  switch (name) {
    case 'find':
      return { asked, request: findRequest(asked), rest: [] };
    case 'aggregate':
      return { asked, ...splitPipeline(asked.documents('pipeline'), hint) };
    case 'count':
    case 'distinct':
      return { asked, request: { filter: asked.document('query') ?? {}, hint }, rest: [] };
    default:
      throw faults.notSupported(`explain of ${name}`);
  }
}

function explainQuery(asked: Call, request: QueryRequest, verbosity: string): Doc {
  const stats = { keysExamined: 0, docsExamined: 0 };
  const { collection, namespace, deadline } = asked;
  const planner = { namespace, parsedQuery: request.filter, rejectedPlans: [] };
  if (!collection) return { queryPlanner: { ...planner, winningPlan: { stage: 'EOF' } } };
  const query = new Query(collection, request, stats, deadline);
  const queryPlanner = { ...planner, winningPlan: winningPlan(query, request) };
  if (verbosity === 'queryPlanner') return { queryPlanner };
  return { queryPlanner, executionStats: executionStats(query, stats) };
}

export const explainCommands: readonly Command[] = [{ name: 'explain', fields: ['verbosity'], run: explain }];
