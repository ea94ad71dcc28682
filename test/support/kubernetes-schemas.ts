import { join } from 'node:path';
import ts from 'typescript';
import type { Resource } from './kubernetes.js';

interface Model {
  new (data: unknown): { validate(): void };
}

/**
 * The API versions in use, all of them served by Kubernetes 1.30 and later, and the packages that know them. The External
 * Secrets operator serves `v1`; no package has it yet, and its fields in use are those of `v1beta1`, which it came from.
 */
const PACKAGES: Readonly<Record<string, { name: string; models: () => Promise<unknown>; apiVersion?: string }>> = {
  v1: { name: 'kubernetes-models/v1', models: () => import('kubernetes-models/v1') },
  'apps/v1': { name: 'kubernetes-models/apps/v1', models: () => import('kubernetes-models/apps/v1') },
  'autoscaling/v2': {
    name: 'kubernetes-models/autoscaling/v2',
    models: () => import('kubernetes-models/autoscaling/v2'),
  },
  'batch/v1': { name: 'kubernetes-models/batch/v1', models: () => import('kubernetes-models/batch/v1') },
  'networking.k8s.io/v1': {
    name: 'kubernetes-models/networking.k8s.io/v1',
    models: () => import('kubernetes-models/networking.k8s.io/v1'),
  },
  'policy/v1': { name: 'kubernetes-models/policy/v1', models: () => import('kubernetes-models/policy/v1') },
  'monitoring.coreos.com/v1': {
    name: '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1',
    models: () => import('@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1'),
  },
  'external-secrets.io/v1': {
    name: '@kubernetes-models/external-secrets/external-secrets.io/v1beta1',
    models: () => import('@kubernetes-models/external-secrets/external-secrets.io/v1beta1'),
    apiVersion: 'external-secrets.io/v1beta1',
  },
};

/** @returns one sentence for each thing that Kubernetes would refuse, or drop without a word */
export async function schemaErrors(resources: readonly Resource[]): Promise<string[]> {
  const known = resources.filter(({ apiVersion }) => PACKAGES[apiVersion]);
  const unknown = resources.filter(({ apiVersion }) => !PACKAGES[apiVersion]);
  const asKnown = known.map((resource) => {
    const { name, models, apiVersion = resource.apiVersion } = PACKAGES[resource.apiVersion]!;
    return { label: `${resource.kind} ${resource.metadata.name}`, name, models, resource: { ...resource, apiVersion } };
  });
  const values = await Promise.all(asKnown.map(async (entry) => valueErrors(entry)));
  return [
    ...unknown.map(({ apiVersion, kind }) => `${kind}: ${apiVersion} is not among the known API versions`),
    ...values.flat(),
    ...fieldErrors(asKnown),
  ];
}

interface Entry {
  readonly label: string;
  readonly name: string;
  readonly models: () => Promise<unknown>;
  readonly resource: Resource;
}

/** Formats, patterns, whole numbers: what the compiled schemas know. They let unknown fields pass. */
async function valueErrors({ label, models, resource }: Entry): Promise<string[]> {
  const Kind = ((await models()) as Record<string, Model | undefined>)[resource.kind];
  if (!Kind) return [`${label}: no such kind`];
  try {
    new Kind(resource).validate();
    return [];
  } catch (error) {
    return [`${label}: ${(error as Error).message}`];
  }
}

/** Unknown fields, wrong types, values outside of an enumeration: an object literal must fit its type exactly. */
function fieldErrors(entries: readonly Entry[]): string[] {
  const lines = entries.map(
    ({ name, resource }, index) =>
      `import type { I${resource.kind} as T${index} } from '${name}'; export const r${index}: T${index} = ${JSON.stringify(resource)};`,
  );
  const path = join(__dirname, 'manifests.ts');
  const options: ts.CompilerOptions = {
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    types: [],
    target: ts.ScriptTarget.ES2023,
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
  };
  const host = ts.createCompilerHost(options);
  const getSourceFile = host.getSourceFile.bind(host);
  const fileExists = host.fileExists.bind(host);
  host.fileExists = (name) => name === path || fileExists(name);
  host.getSourceFile = (name, ...rest) =>
    name === path ? ts.createSourceFile(name, lines.join('\n'), ts.ScriptTarget.ES2023) : getSourceFile(name, ...rest);
  return ts.getPreEmitDiagnostics(ts.createProgram([path], options, host)).map(({ file, start, messageText }) => {
    const text = ts.flattenDiagnosticMessageText(messageText, ' ');
    const line = file && start !== undefined ? file.getLineAndCharacterOfPosition(start).line : undefined;
    return `${line === undefined ? 'manifests' : (entries[line]?.label ?? file!.fileName)}: ${text}`;
  });
}
