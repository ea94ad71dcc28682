import type { IContainer, IPodSpec } from 'kubernetes-models/v1';
import { CLUSTER_POLICIES } from '../support/kubernetes-cluster-policies.js';
import {
  manifestFiles,
  named,
  OVERLAY_NAMES,
  podTemplates,
  renderOverlay,
  withKubectl,
  type Resource,
} from '../support/kubernetes.js';
import { POD_POLICIES } from '../support/kubernetes-pod-policies.js';

const POLICIES = { ...POD_POLICIES, ...CLUSTER_POLICIES };
type PolicyName = keyof typeof POLICIES;

type Spoil = (resources: Resource[]) => unknown;
const pod =
  (change: (spec: IPodSpec) => unknown): Spoil =>
  (resources) =>
    change(podTemplates(resources)[0]!.template.spec!);
const container = (change: (container: IContainer) => unknown): Spoil => pod((spec) => change(spec.containers[0]!));
const set =
  <K extends Parameters<typeof named>[1]>(
    kind: K,
    name: string,
    change: (found: ReturnType<typeof named<K>>) => unknown,
  ): Spoil =>
  (resources) =>
    change(named(resources, kind, name));
const remove =
  (kind: string, name: string): Spoil =>
  (resources) =>
    resources.splice(
      resources.findIndex((one) => one.kind === kind && one.metadata.name === name),
      1,
    );
const rename = (kind: 'Deployment' | 'Service' | 'ServiceAccount', name: string): Spoil =>
  set(kind, name, ({ metadata }) => (metadata.name = 'other'));

/** What a careless change would do, and what is said about it. */
const CARELESS: readonly [policy: PolicyName, breach: string, spoil: Spoil][] = [
  ['images are pinned', 'says latest', container((it) => (it.image = 'ghcr.io/example/taskflow:latest'))],
  ['images are pinned', 'has no version', container((it) => (it.image = 'registry.example.com:5000/taskflow'))],
  ['pods run without rights', 'may be root', pod((it) => (it.securityContext!.runAsUser = 0))],
  ['pods run without rights', 'may be root', pod((it) => delete it.securityContext!.runAsNonRoot)],
  ['pods run without rights', 'no seccomp', pod((it) => delete it.securityContext!.seccompProfile)],
  ['pods run without rights', 'shares the host', pod((it) => (it.hostNetwork = true))],
  ['pods run without rights', 'mounts the host', pod((it) => it.volumes!.push({ name: 'x', hostPath: { path: '/' } }))],
  ['pods run without rights', 'has a token', pod((it) => delete it.automountServiceAccountToken)],
  ['pods run without rights', 'default account', pod((it) => delete it.serviceAccountName)],
  ['pods run without rights', 'all Services', pod((it) => delete it.enableServiceLinks)],
  ['containers run without rights', 'gain', container((it) => delete it.securityContext!.allowPrivilegeEscalation)],
  ['containers run without rights', 'write', container((it) => (it.securityContext!.readOnlyRootFilesystem = false))],
  ['containers run without rights', 'capab', container((it) => (it.securityContext!.capabilities!.add = ['NET_RAW']))],
  ['containers run without rights', 'capab', pod((it) => (it.initContainers = [{ name: 'init', image: 'x:1' }]))],
  [
    'accounts have no token',
    'token',
    set('ServiceAccount', 'taskflow', (it) => (it.automountServiceAccountToken = true)),
  ],
  ['containers are limited', 'limit', container((it) => delete it.resources!.limits!['memory'])],
  ['containers are limited', 'requests', container((it) => delete it.resources!.requests)],
  ['containers are probed', 'not probed', container((it) => delete it.startupProbe)],
  ['containers are probed', 'not probed', container((it) => (it.livenessProbe!.httpGet!.path = '/api/health/ready'))],
  ['containers are probed', 'port', container((it) => (it.readinessProbe!.httpGet!.port = 'https'))],
  ['Jobs end', 'for ever', set('Job', 'taskflow-migrate', (it) => delete it.spec!.activeDeadlineSeconds)],
  ['Jobs end', 'log', set('Job', 'taskflow-migrate', (it) => (it.spec!.template.spec!.restartPolicy = 'OnFailure'))],
  ['references lead somewhere', 'Secret', remove('ExternalSecret', 'taskflow-signing')],
  ['references lead somewhere', 'ConfigMap', container((it) => (it.envFrom![0]!.configMapRef!.name = 'taskflow'))],
  ['references lead somewhere', 'volume', pod((it) => (it.volumes = []))],
  ['references lead somewhere', 'account', rename('ServiceAccount', 'taskflow')],
  ['references lead somewhere', 'store', remove('SecretStore', 'taskflow')],
  [
    'no secret is in the manifests',
    'is a Secret',
    (all) => all.push({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'x' } }),
  ],
  [
    'no secret is in the manifests',
    'SECRET_KEY',
    (all) => all.push({ kind: 'ConfigMap', metadata: { name: 'x' }, data: { SECRET_KEY: 'x' } } as unknown as Resource),
  ],
  [
    'no secret is in the manifests',
    'PROXY',
    (all) =>
      all.push({ kind: 'ConfigMap', metadata: { name: 'x' }, data: { PROXY: 'http://a:b@c' } } as unknown as Resource),
  ],
  ['autoscalers have a target', 'scales nothing', rename('Deployment', 'taskflow')],
  ['Deployments are scaled', 'from 2', remove('HorizontalPodAutoscaler', 'taskflow')],
  ['Deployments are scaled', 'from 2', set('HorizontalPodAutoscaler', 'taskflow', (it) => (it.spec!.minReplicas = 1))],
  ['Deployments are scaled', 'from 2', set('HorizontalPodAutoscaler', 'taskflow', (it) => (it.spec!.maxReplicas = 21))],
  ['Deployments are scaled', 'memory', set('HorizontalPodAutoscaler', 'taskflow', (it) => it.spec!.metrics!.pop())],
  ['Deployments are scaled', 'whim', set('HorizontalPodAutoscaler', 'taskflow', (it) => delete it.spec!.behavior)],
  ['Deployments are scaled', 'the say', set('Deployment', 'taskflow', (it) => (it.spec!.replicas = 3))],
  ['Deployments roll out without a gap', 'away', set('Deployment', 'taskflow', (it) => delete it.spec!.strategy)],
  [
    'Deployments roll out without a gap',
    'ever',
    set('Deployment', 'taskflow', (it) => (it.spec!.progressDeadlineSeconds = 9999)),
  ],
  ['Deployments spread their pods', 'zones', pod((it) => it.topologySpreadConstraints!.pop())],
  [
    'Deployments spread their pods',
    'labels',
    pod((it) => (it.topologySpreadConstraints![0]!.labelSelector!.matchLabels = { app: 'x' })),
  ],
  ['disruption budgets let nodes be drained', 'exactly one', remove('PodDisruptionBudget', 'taskflow')],
  [
    'disruption budgets let nodes be drained',
    'exactly one',
    set('PodDisruptionBudget', 'taskflow', (it) => (it.spec!.selector = { matchLabels: { app: 'x' } })),
  ],
  [
    'disruption budgets let nodes be drained',
    'exactly one',
    set('PodDisruptionBudget', 'taskflow', (it) => delete it.spec!.selector),
  ],
  [
    'disruption budgets let nodes be drained',
    'cannot',
    set(
      'PodDisruptionBudget',
      'taskflow',
      (it) => (it.spec = { ...it.spec, maxUnavailable: undefined, minAvailable: 2 }),
    ),
  ],
  [
    'disruption budgets let nodes be drained',
    'whole',
    set('PodDisruptionBudget', 'taskflow', (it) => (it.spec!.maxUnavailable = '100%')),
  ],
  ['Services lead to pods', 'not exactly one', set('Service', 'taskflow', (it) => (it.spec!.selector = { app: 'x' }))],
  [
    'Services lead to pods',
    'not exactly one',
    set('Service', 'taskflow', (it) => (it.spec!.selector = { 'app.kubernetes.io/name': 'taskflow' })),
  ],
  ['Services lead to pods', 'port', set('Service', 'taskflow', (it) => (it.spec!.ports![0]!.targetPort = 8080))],
  ['Ingresses lead to Services', 'nowhere', rename('Service', 'taskflow')],
  [
    'Ingresses lead to Services',
    'metrics',
    set('Ingress', 'taskflow', (it) => (it.spec!.rules![0]!.http!.paths[0]!.path = '/')),
  ],
  [
    'Ingresses lead to Services',
    'health',
    set('Ingress', 'taskflow', (it) => (it.spec!.rules![0]!.http!.paths[0]!.path = '/api')),
  ],
  ['Ingresses lead to Services', 'TLS', set('Ingress', 'taskflow', (it) => delete it.spec!.tls)],
  ['the network is closed', 'is open', remove('NetworkPolicy', 'default-deny')],
  ['the network is closed', 'anybody', set('NetworkPolicy', 'api', (it) => delete it.spec!.ingress![0]!.from)],
  [
    'the network is closed',
    'anybody',
    set('NetworkPolicy', 'redis', (it) => (it.spec!.egress![0]!.to = [{ ipBlock: { cidr: '0.0.0.0/0' } }])),
  ],
  [
    'the network is closed',
    'anybody',
    set('NetworkPolicy', 'worker', (it) => it.spec!.egress![1]!.to![0]!.ipBlock!.except!.shift()),
  ],
  [
    'the network is closed',
    'anybody',
    set('NetworkPolicy', 'worker', (it) => it.spec!.egress![1]!.ports!.push({ protocol: 'TCP', port: 80 })),
  ],
  [
    'Deployments are scaled',
    'CPU',
    set('HorizontalPodAutoscaler', 'taskflow-worker', (it) => it.spec!.metrics!.shift()),
  ],
  ['the network is closed', 'every port', set('NetworkPolicy', 'redis', (it) => delete it.spec!.egress![0]!.ports)],
  ['pods can reach their stores, and be reached', 'names', remove('NetworkPolicy', 'dns')],
  ['pods can reach their stores, and be reached', 'MongoDB', remove('NetworkPolicy', 'mongodb')],
  ['pods can reach their stores, and be reached', 'cannot reach Redis', remove('NetworkPolicy', 'redis')],
  [
    'pods can reach their stores, and be reached',
    'for nothing',
    set('NetworkPolicy', 'redis', (it) => (it.spec!.podSelector = {})),
  ],
  [
    'pods can reach their stores, and be reached',
    'alone',
    set('NetworkPolicy', 'api', (it) => it.spec!.ingress![0]!.from!.pop()),
  ],
  [
    'pods can reach their stores, and be reached',
    'port',
    set('NetworkPolicy', 'api', (it) => (it.spec!.ingress![0]!.ports![0]!.port = 8080)),
  ],
  [
    'all is in one guarded namespace',
    'another',
    set('Service', 'taskflow', (it) => (it.metadata.namespace = 'default')),
  ],
  [
    'all is in one guarded namespace',
    'rights',
    (all) => (all.find(({ kind }) => kind === 'Namespace')!.metadata.labels = {}),
  ],
];

/** Those that look at one object at a time, and so can look at what kustomize has not put together yet. */
const OF_ONE_OBJECT = [
  'pods run without rights',
  'containers run without rights',
  'accounts have no token',
  'containers are limited',
  'containers are probed',
  'Jobs end',
  'no secret is in the manifests',
] as const;

describe('the files', () => {
  const resources = [...manifestFiles().values()].flat().filter(({ kind }) => kind !== 'Kustomization');

  it.each(OF_ONE_OBJECT)('%s', (policy) => {
    expect(podTemplates(resources)).toHaveLength(3);
    expect(POLICIES[policy](resources)).toEqual([]);
  });
});

withKubectl('only single files, and not what kustomize makes of them, are checked for policies', () => {
  describe.each(OVERLAY_NAMES)('the overlay %s', (overlay) => {
    const resources = renderOverlay(overlay);

    it.each(Object.entries(POLICIES))('%s', (_name, policy) => {
      expect(policy(resources)).toEqual([]);
    });
  });

  describe('a careless change', () => {
    const staging = renderOverlay('staging');

    it.each(CARELESS)('is seen by "%s" (%s)', (policy, breach, spoil) => {
      const resources = structuredClone(staging);
      spoil(resources);
      expect(POLICIES[policy](resources).join('\n')).toContain(breach);
    });

    it('of every kind is tried', () => {
      expect([...new Set(CARELESS.map(([policy]) => policy))].sort()).toEqual(Object.keys(POLICIES).sort());
    });
  });
});
