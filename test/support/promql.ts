import { parser } from '@prometheus-io/lezer-promql';

type Node = ReturnType<typeof parser.parse>['topNode'];

/** Metrics by name, each with the labels that its series can have. */
export type MetricLabels = ReadonlyMap<string, ReadonlySet<string>>;

/** What has no labels because it is no series: numbers, texts, `time()`. */
const SCALAR = undefined;

/**
 * The labels that the result of a query can have: a type check for PromQL. Prometheus itself takes any name and finds
 * nothing, so that a misspelt panel stays empty and a misspelt alert silent.
 * @throws when it is no PromQL, names a metric or a label that does not exist, or compares what can never match
 */
export function labelsOf(query: string, metrics: MetricLabels): ReadonlySet<string> {
  const tree = parser.parse(query);
  tree.iterate({
    enter: ({ type, from, to }) => {
      if (type.isError) throw new Error(`no PromQL at "${query.slice(from, to + 20)}": ${query}`);
    },
  });
  const text = ({ from, to }: Node): string => query.slice(from, to);
  const names = (node: Node | null): string[] => node?.getChildren('LabelName').map(text) ?? [];

  function selector(node: Node): ReadonlySet<string> {
    const metric = text(node.getChild('Identifier')!);
    const labels = metrics.get(metric);
    if (!labels) throw new Error(`there is no metric ${metric}`);
    for (const matcher of node.getChild('LabelMatchers')?.getChildren('UnquotedLabelMatcher') ?? [])
      demand(names(matcher), labels, metric);
    return labels;
  }

  function aggregate(node: Node): ReadonlySet<string> {
    const labels = argument(node) ?? new Set();
    if (/^(top|bottom)k$/.test(text(node.getChild('AggregateOp')!))) return labels;
    const modifier = node.getChild('AggregateModifier');
    const given = names(modifier?.getChild('GroupingLabels') ?? null);
    demand(given, labels, text(node));
    return modifier?.getChild('Without') ? without(labels, given) : new Set(given);
  }

  function call(node: Node): ReadonlySet<string> | undefined {
    const name = text(node.getChild('FunctionIdentifier')!);
    if (name === 'time') return SCALAR;
    if (name === 'vector') return new Set();
    const labels = argument(node) ?? new Set<string>();
    // An absent series has the labels that it was looked for with.
    if (name.startsWith('absent')) return new Set([...text(node).matchAll(/(\w+)="/g)].map(([, label]) => label!));
    if (name !== 'histogram_quantile') return labels;
    demand(['le'], labels, text(node));
    return without(labels, ['le']);
  }

  function binary(node: Node): ReadonlySet<string> | undefined {
    const [left, right] = [infer(node.firstChild!), infer(node.lastChild!)];
    if (!left || !right) return left ?? right;
    const matching = node.getChild('MatchingModifierClause');
    const on = matching?.getChild('On') ? names(matching.getChild('GroupingLabels')) : undefined;
    if (node.getChild('Or')) return new Set([...left, ...right]);
    for (const side of [left, right]) if (on) demand(on, side, text(node));
    // Without `on`, series meet only if all their labels are the same.
    if (!on && !sameLabels(left, right)) throw new Error(`the sides never have the same labels: ${text(node)}`);
    const keepsLeft = !on || ['And', 'Unless'].some((set) => node.getChild(set)) || matching?.getChild('GroupLeft');
    return keepsLeft ? left : new Set(on);
  }

  /** What a function works on is its last argument; those before it are numbers. */
  const argument = (node: Node): ReadonlySet<string> | undefined =>
    infer(node.getChild('FunctionCallBody')!.lastChild!);

  function infer(node: Node): ReadonlySet<string> | undefined {
    if (node.name === 'NumberDurationLiteral' || node.name === 'StringLiteral') return SCALAR;
    if (node.name === 'VectorSelector') return selector(node);
    if (node.name === 'AggregateExpr') return aggregate(node);
    if (node.name === 'FunctionCall') return call(node);
    if (node.name === 'BinaryExpr') return binary(node);
    if (['PromQL', 'ParenExpr', 'MatrixSelector'].includes(node.name)) return infer(node.firstChild!);
    throw new Error(`this check does not know ${node.name} yet: ${text(node)}`);
  }

  return infer(tree.topNode) ?? new Set();
}

const without = (labels: ReadonlySet<string>, taken: readonly string[]): ReadonlySet<string> =>
  new Set([...labels].filter((label) => !taken.includes(label)));

const sameLabels = (a: ReadonlySet<string>, b: ReadonlySet<string>): boolean =>
  a.size === b.size && [...a].every((label) => b.has(label));

function demand(labels: readonly string[], existing: ReadonlySet<string>, where: string): void {
  const missing = labels.find((label) => !existing.has(label));
  if (missing !== undefined) throw new Error(`${where} has no label ${missing}`);
}
