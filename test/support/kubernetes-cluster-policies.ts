import type { INetworkPolicyEgressRule, INetworkPolicyPeer } from 'kubernetes-models/networking.k8s.io/v1';
import { breaches, ofKind, podTemplates, selects, type Policy, type Resource } from './kubernetes.js';

type Deployment = ReturnType<typeof ofKind<'Deployment'>>[number];

const eachDeployment =
  (facts: (deployment: Deployment, resources: readonly Resource[]) => Record<string, unknown>): Policy =>
  (resources) =>
    ofKind(resources, 'Deployment').flatMap((deployment) =>
      breaches(deployment.metadata.name, facts(deployment, resources)),
    );

const labelsOf = (deployment: Deployment): Record<string, string> => deployment.spec!.template.metadata?.labels ?? {};

/** Percent of what there is at least, rounded up as Kubernetes does for a disruption budget. */
const count = (value: number | string | undefined, of: number): number =>
  typeof value === 'string' ? Math.ceil((Number.parseInt(value, 10) / 100) * of) : (value ?? 0);

/** The autoscaler that is in charge of a Deployment. */
const scalerOf = (resources: readonly Resource[], name: string) =>
  ofKind(resources, 'HorizontalPodAutoscaler').find(
    ({ spec }) => spec?.scaleTargetRef.kind === 'Deployment' && spec.scaleTargetRef.name === name,
  )?.spec;

const isWorker = ({ metadata }: Pick<Resource, 'metadata'>): boolean =>
  metadata.labels?.['app.kubernetes.io/component'] === 'worker';

const isAnybody = ({ ipBlock }: INetworkPolicyPeer): boolean => /^0\.0\.0\.0\/0$|^::\/0$/.test(ipBlock?.cidr ?? '');

/** They are anywhere in the Internet, and nowhere in networks of ours. */
const isToPushServices = ({ to = [], ports = [] }: INetworkPolicyEgressRule): boolean =>
  ports.map(({ port }) => port).join() === '443' &&
  to.every(({ ipBlock }) =>
    ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '169.254.0.0/16'].every((net) => ipBlock?.except?.includes(net)),
  );

/** How many pods there are, who reaches them and whom they reach. */
export const CLUSTER_POLICIES = {
  'autoscalers have a target': (resources) =>
    ofKind(resources, 'HorizontalPodAutoscaler').flatMap(({ metadata, spec }) =>
      breaches(metadata.name, {
        'scales nothing': ofKind(resources, 'Deployment').some(
          (deployment) => deployment.metadata.name === spec?.scaleTargetRef.name,
        ),
      }),
    ),

  'Deployments are scaled': eachDeployment((deployment, resources) => {
    const { metadata, spec } = deployment;
    const scaler = scalerOf(resources, metadata.name);
    const metrics = scaler?.metrics?.map(({ resource, external }) => resource?.name ?? external?.metric.name).sort();
    return {
      'has no autoscaler from 2 to at most 20': (scaler?.minReplicas ?? 0) >= 2 && (scaler?.maxReplicas ?? 99) <= 20,
      'is not scaled by CPU and memory':
        metrics?.join() === (isWorker(deployment) ? 'cpu,taskflow_outbox_lag_seconds' : 'cpu,memory'),
      'shrinks on a whim':
        (scaler?.behavior?.scaleDown?.stabilizationWindowSeconds ?? 0) >= 120 &&
        scaler?.behavior?.scaleDown?.policies?.length,
      'takes the say from its autoscaler': spec?.replicas === undefined,
    };
  }),

  'Deployments roll out without a gap': eachDeployment(({ spec }) => ({
    'takes pods away before others are ready': spec?.strategy?.rollingUpdate?.maxUnavailable === 0,
    'waits for ever': (spec?.progressDeadlineSeconds ?? 600) <= 600,
  })),

  'Deployments spread their pods': eachDeployment((deployment) => {
    const constraints = deployment.spec?.template.spec?.topologySpreadConstraints ?? [];
    return {
      'is not spread over zones and nodes':
        constraints
          .map(({ topologyKey }) => topologyKey)
          .sort()
          .join() === 'kubernetes.io/hostname,topology.kubernetes.io/zone',
      'is spread by labels that its pods do not have': constraints.every(({ labelSelector }) =>
        selects(labelSelector, labelsOf(deployment)),
      ),
    };
  }),

  'disruption budgets let nodes be drained': eachDeployment((deployment, resources) => {
    const budgets = ofKind(resources, 'PodDisruptionBudget').filter(({ spec }) =>
      selects(spec?.selector, labelsOf(deployment)),
    );
    const least = scalerOf(resources, deployment.metadata.name)?.minReplicas ?? 1;
    const evictable = budgets.map(({ spec }) =>
      spec?.minAvailable === undefined ? count(spec?.maxUnavailable, least) : least - count(spec.minAvailable, least),
    );
    return {
      'needs exactly one budget': budgets.length === 1,
      'cannot be drained with its fewest pods': evictable.every((pods) => pods >= 1),
      'may be drained as a whole': evictable.every((pods) => pods < least),
    };
  }),

  'Services lead to pods': (resources) =>
    ofKind(resources, 'Service').flatMap(({ metadata, spec }) => {
      const pods = podTemplates(resources)
        .map(({ template }) => template)
        .filter((template) => selects(spec?.selector && { matchLabels: spec.selector }, template.metadata?.labels));
      const ports = pods.flatMap((pod) => pod.spec!.containers.flatMap((container) => container.ports ?? []));
      return breaches(metadata.name, {
        'leads to the pods of not exactly one Deployment': pods.length === 1,
        'leads to a port that they do not have': spec?.ports?.every(({ targetPort }) =>
          ports.some(({ name, containerPort }) => targetPort === name || targetPort === containerPort),
        ),
      });
    }),

  'Ingresses lead to Services': (resources) =>
    ofKind(resources, 'Ingress').flatMap(({ metadata, spec }) => {
      const paths = spec?.rules?.flatMap(({ http }) => http?.paths ?? []) ?? [];
      const leads = paths.every(({ backend: { service } }) =>
        ofKind(resources, 'Service').some(
          (known) =>
            known.metadata.name === service?.name &&
            known.spec?.ports?.some(({ name }) => name === service?.port?.name),
        ),
      );
      const isOpen = (address: string): boolean =>
        paths.some(({ path = '/', pathType }) =>
          pathType === 'Exact' ? path === address : `${address}/`.startsWith(path.replace(/\/?$/, '/')),
        );
      return breaches(metadata.name, {
        'leads nowhere': paths.length > 0 && leads,
        'shows metrics to strangers': !isOpen('/metrics'),
        'shows health to strangers': !isOpen('/api/health') && !isOpen('/api/health/ready'),
        'has no TLS': spec?.tls?.some(({ hosts }) => hosts?.includes(spec.rules?.[0]?.host ?? '')),
      });
    }),

  'the network is closed': (resources) => {
    const policies = ofKind(resources, 'NetworkPolicy');
    const isDefault = policies.some(
      ({ spec }) =>
        Object.keys(spec?.podSelector ?? { any: true }).length === 0 &&
        spec?.policyTypes?.length === 2 &&
        !spec.ingress &&
        !spec.egress,
    );
    return [
      ...breaches('the namespace', { 'is open unless somebody closes it': isDefault }),
      ...policies.flatMap(({ metadata, spec }) => {
        const rules = [...(spec?.ingress ?? []), ...(spec?.egress ?? [])];
        const peers = [
          ...(spec?.ingress ?? []).map(({ from }) => from ?? []),
          ...(spec?.egress ?? []).map(({ to }) => to ?? []),
        ];
        return breaches(metadata.name, {
          'lets anybody through':
            peers.every((list) => list.length > 0) &&
            (spec?.ingress ?? []).every(({ from = [] }) => !from.some(isAnybody)) &&
            (spec?.egress ?? []).every((rule) => !rule.to!.some(isAnybody) || isToPushServices(rule)),
          'opens every port': rules.every(({ ports }) => ports?.every(({ port }) => port !== undefined)),
        });
      }),
    ];
  },

  'pods can reach their stores, and be reached': (resources) =>
    podTemplates(resources).flatMap(({ owner, template }) => {
      const own = ofKind(resources, 'NetworkPolicy').filter(({ spec }) =>
        selects(spec?.podSelector, template.metadata?.labels),
      );
      const outgoing = own.flatMap(({ spec }) => spec?.egress ?? []);
      const out = new Set(outgoing.flatMap(({ ports = [] }) => ports.map(({ port }) => port)));
      const incoming = own.flatMap(({ spec }) => spec?.ingress ?? []);
      const sources = incoming.flatMap(({ from = [] }) =>
        from.map(({ namespaceSelector }) => namespaceSelector?.matchLabels?.['kubernetes.io/metadata.name']),
      );
      const ports = template.spec!.containers.flatMap((container) => container.ports ?? []);
      return breaches(owner.metadata.name, {
        'cannot resolve names': out.has(53),
        'cannot reach MongoDB': out.has(27017),
        'cannot reach Redis': owner.kind === 'Job' || out.has(6379),
        'reaches Redis for nothing': owner.kind !== 'Job' || !out.has(6379),
        'is not open to the Ingress controller and Prometheus alone':
          sources
            .filter((name) => name !== undefined)
            .sort()
            .join() === (owner.kind === 'Job' ? '' : isWorker(owner) ? 'monitoring' : 'ingress-nginx,monitoring'),
        'is open at a port that it does not have': incoming
          .flatMap((rule) => rule.ports ?? [])
          .every(({ port }) => ports.some(({ name, containerPort }) => port === name || port === containerPort)),
      });
    }),

  'all is in one guarded namespace': (resources) => {
    const [namespace, ...others] = ofKind(resources, 'Namespace');
    const strangers = resources.filter(
      ({ kind, metadata }) => kind !== 'Namespace' && metadata.namespace !== namespace?.metadata.name,
    );
    return [
      ...strangers.map(({ kind, metadata }) => `${kind} ${metadata.name}: is in another namespace`),
      ...breaches('the namespace', {
        'is not one': namespace && others.length === 0,
        'takes pods with rights': namespace?.metadata.labels?.['pod-security.kubernetes.io/enforce'] === 'restricted',
      }),
    ];
  },
} satisfies Record<string, Policy>;
