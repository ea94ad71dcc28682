import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import type { IDeployment } from 'kubernetes-models/apps/v1';
import type { IHorizontalPodAutoscaler } from 'kubernetes-models/autoscaling/v2';
import type { IJob } from 'kubernetes-models/batch/v1';
import type { IIngress, INetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1';
import type { IPodDisruptionBudget } from 'kubernetes-models/policy/v1';
import type { IConfigMap, INamespace, IPodTemplateSpec, IService, IServiceAccount } from 'kubernetes-models/v1';
import type { IExternalSecret, ISecretStore } from '@kubernetes-models/external-secrets/external-secrets.io/v1beta1';
import { parseAllDocuments } from 'yaml';

const MANIFESTS = join(__dirname, '..', '..', 'k8s');

/** What every object has, whatever its kind. */
export interface Resource {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    name: string;
    namespace?: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
  };
}

interface Kinds {
  ConfigMap: IConfigMap;
  Deployment: IDeployment;
  ExternalSecret: IExternalSecret;
  HorizontalPodAutoscaler: IHorizontalPodAutoscaler;
  Ingress: IIngress;
  Job: IJob;
  Namespace: INamespace;
  NetworkPolicy: INetworkPolicy;
  PodDisruptionBudget: IPodDisruptionBudget;
  SecretStore: ISecretStore;
  Service: IService;
  ServiceAccount: IServiceAccount;
}

export const ofKind = <K extends keyof Kinds>(resources: readonly Resource[], kind: K): (Kinds[K] & Resource)[] =>
  resources.filter((resource) => resource.kind === kind) as unknown as (Kinds[K] & Resource)[];

/** @throws unless there is exactly one of that name */
export function named<K extends keyof Kinds>(
  resources: readonly Resource[],
  kind: K,
  name: string,
): Kinds[K] & Resource {
  const found = ofKind(resources, kind).filter((resource) => resource.metadata.name === name);
  if (found.length !== 1) throw new Error(`${found.length} resources are ${kind} ${name}`);
  return found[0]!;
}

/** Whoever makes pods, with what it makes them from. */
export const podTemplates = (resources: readonly Resource[]): { owner: Resource; template: IPodTemplateSpec }[] =>
  [...ofKind(resources, 'Deployment'), ...ofKind(resources, 'Job')].map((owner) => ({
    owner,
    template: owner.spec!.template,
  }));

/** Whether a selector of labels takes an object with these. An empty one takes everything, a missing one nothing. */
export function selects(
  selector:
    { matchLabels?: Record<string, string>; matchExpressions?: { key: string; values?: string[] }[] } | undefined,
  labels: Record<string, string> = {},
): boolean {
  if (!selector) return false;
  const { matchLabels = {}, matchExpressions = [] } = selector;
  return (
    Object.entries(matchLabels).every(([name, value]) => labels[name] === value) &&
    matchExpressions.every(({ key, values = [] }) => values.includes(labels[key] ?? ''))
  );
}

/** What is in the cluster once an overlay is deployed, by the directories that its script applies. */
const OVERLAYS: Readonly<Record<string, readonly string[]>> = {
  staging: ['overlays/staging'],
  production: [
    'overlays/production',
    'overlays/production/blue',
    'overlays/production/green',
    'overlays/production/live',
  ],
  services: ['overlays/services'],
};
export const OVERLAY_NAMES = Object.keys(OVERLAYS);

export const renderOverlay = (name: string): Resource[] =>
  OVERLAYS[name]!.flatMap((directory) => kustomize(join(MANIFESTS, directory)));

/** An overlay of the base with the components that no overlay of ours takes. */
export function renderOtherComponents(): Resource[] {
  const directory = mkdtempSync(join(tmpdir(), 'taskflow-kustomize-'));
  try {
    const path = (part: string): string => `  - ${relative(directory, join(MANIFESTS, part))}`;
    const components = ['vault', 'monitoring', 'rabbitmq'].map((name) => path(`components/${name}`));
    const lines = ['resources:', path('base'), 'components:', ...components];
    writeFileSync(join(directory, 'kustomization.yaml'), lines.join('\n'));
    return kustomize(directory);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** Declares tests that need `kubectl`, though no cluster. Without it the run says what it did not check. */
export function withKubectl(unchecked: string, declareTests: () => void): void {
  if (spawnSync('kubectl', ['kustomize', '--help']).status === 0) return declareTests();
  // oxlint-disable-next-line no-console -- whoever reads the result must not take it for more than it is
  console.warn(`kubectl is not installed: ${unchecked}`);
  it.todo(`needs kubectl: ${unchecked}`);
}

function kustomize(directory: string): Resource[] {
  return parse(execFileSync('kubectl', ['kustomize', directory], { encoding: 'utf8' }));
}

function parse(yaml: string): Resource[] {
  return parseAllDocuments(yaml).map((document) => {
    if (document.errors[0]) throw document.errors[0];
    return document.toJS() as Resource;
  });
}

/** Every YAML file below `k8s/`, by its path there. */
export function manifestFiles(): Map<string, Resource[]> {
  const paths = readdirSync(MANIFESTS, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.yaml'));
  return new Map(paths.sort().map((path) => [path, parse(readFileSync(join(MANIFESTS, path), 'utf8'))]));
}

/** A rule that all objects of a deployed overlay obey together. @returns a sentence for each breach */
export type Policy = (resources: readonly Resource[]) => string[];

/** @param ruledOut what would be a breach, and whether it is none */
export const breaches = (subject: string, ruledOut: Record<string, unknown>): string[] =>
  Object.entries(ruledOut)
    .filter(([, isRuledOut]) => !isRuledOut)
    .map(([breach]) => `${subject}: ${breach}`);
