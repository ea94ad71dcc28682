import { breaches, ofKind, podTemplates, type Policy, type Resource } from './kubernetes.js';

type Containers = ReturnType<typeof containersOf>;
const containersOf = (resources: readonly Resource[]) =>
  podTemplates(resources).flatMap(({ owner, template }) =>
    [...(template.spec!.initContainers ?? []), ...template.spec!.containers].map((container) => ({
      owner: owner.metadata.name,
      kind: owner.kind,
      container,
    })),
  );

const eachContainer =
  (facts: (entry: Containers[number]) => Record<string, unknown>): Policy =>
  (resources) =>
    containersOf(resources).flatMap((entry) => breaches(entry.owner, facts(entry)));

/** What a pod may do, needs and is made of. */
export const POD_POLICIES = {
  'images are pinned': eachContainer(({ container: { image = '' } }) => ({
    'has no version': /@sha256:[0-9a-f]{64}$|:[^/:@]+$/.test(image),
    'says latest': !image.endsWith(':latest'),
  })),

  'pods run without rights': (resources) =>
    podTemplates(resources).flatMap(({ owner, template: { spec } }) =>
      breaches(owner.metadata.name, {
        'may be root': spec?.securityContext?.runAsNonRoot === true && (spec.securityContext.runAsUser ?? 0) > 0,
        'has no seccomp profile': spec?.securityContext?.seccompProfile?.type === 'RuntimeDefault',
        'shares the host': !spec?.hostNetwork && !spec?.hostPID && !spec?.hostIPC,
        'mounts the host': !spec?.volumes?.some((volume) => volume.hostPath),
        'has a token': spec?.automountServiceAccountToken === false,
        'runs as the default account': spec?.serviceAccountName && spec.serviceAccountName !== 'default',
        'has the addresses of all Services as variables': spec?.enableServiceLinks === false,
      }),
    ),

  'containers run without rights': eachContainer(({ container: { securityContext } }) => ({
    'may gain rights': securityContext?.allowPrivilegeEscalation === false && !securityContext.privileged,
    'may write to its image': securityContext?.readOnlyRootFilesystem === true,
    'has capabilities':
      securityContext?.capabilities?.drop?.join() === 'ALL' && !securityContext.capabilities.add?.length,
  })),

  'accounts have no token': (resources) =>
    ofKind(resources, 'ServiceAccount').flatMap(({ metadata, automountServiceAccountToken }) =>
      breaches(metadata.name, { 'hands its token out': automountServiceAccountToken === false }),
    ),

  'containers are limited': eachContainer(({ container: { resources } }) => ({
    'requests too little to be placed well': resources?.requests?.['cpu'] && resources.requests['memory'],
    'has no limit': resources?.limits?.['cpu'] && resources.limits['memory'],
  })),

  'containers are probed': eachContainer(({ kind, container }) => {
    const probes = [container.startupProbe, container.livenessProbe, container.readinessProbe];
    const paths = probes.map((probe) => probe?.httpGet?.path).join();
    return {
      'is not probed at start, for life and for readiness':
        kind === 'Job' || paths === '/api/health/live,/api/health/live,/api/health/ready',
      'is probed at a port that it does not have': probes.every(
        (probe) => !probe || container.ports?.some(({ name }) => name === probe.httpGet?.port),
      ),
    };
  }),

  'Jobs end': (resources) =>
    ofKind(resources, 'Job').flatMap(({ metadata, spec }) =>
      breaches(metadata.name, {
        'tries for ever': (spec?.activeDeadlineSeconds ?? 0) > 0 && (spec?.backoffLimit ?? 6) <= 6,
        'restarts in place, so that its log is lost': spec?.template.spec?.restartPolicy === 'Never',
      }),
    ),

  'references lead somewhere': (resources) => {
    const secrets = new Set(ofKind(resources, 'ExternalSecret').map(({ metadata }) => metadata.name));
    const names = (kind: 'ConfigMap' | 'ServiceAccount' | 'SecretStore'): string[] =>
      ofKind(resources, kind).map(({ metadata }) => metadata.name);
    const pods = podTemplates(resources).flatMap(({ owner, template: { spec } }) => {
      const volumes = spec?.volumes ?? [];
      const wanted = volumes.flatMap(({ secret, projected }) => [
        secret?.secretName,
        ...(projected?.sources ?? []).map((source) => source.secret?.name),
      ]);
      const from = spec?.containers.flatMap(({ envFrom = [] }) => envFrom.map((source) => source.configMapRef?.name));
      const mounts = spec?.containers.flatMap(({ volumeMounts = [] }) => volumeMounts.map(({ name }) => name));
      return breaches(owner.metadata.name, {
        'mounts a Secret that nobody makes': wanted.every((name) => !name || secrets.has(name)),
        'reads a ConfigMap that is not there': from?.every((name) => names('ConfigMap').includes(name ?? '')),
        'mounts a volume that it does not have': mounts?.every((name) =>
          volumes.some((volume) => volume.name === name),
        ),
        'runs as an account that is not there': names('ServiceAccount').includes(spec?.serviceAccountName ?? ''),
      });
    });
    const stores = ofKind(resources, 'ExternalSecret').flatMap(({ metadata, spec }) =>
      breaches(metadata.name, {
        'has no store': names('SecretStore').includes(spec?.secretStoreRef?.name ?? ''),
      }),
    );
    return [...pods, ...stores];
  },

  'no secret is in the manifests': (resources) => [
    ...resources.filter(({ kind }) => kind === 'Secret').map(({ metadata }) => `${metadata.name}: is a Secret`),
    ...ofKind(resources, 'ConfigMap').flatMap(({ metadata, data = {} }) =>
      Object.entries(data)
        .filter(
          ([name, value]) =>
            /URI$|REDIS_URL$|(?<!PUBLIC_)KEYS?$|TOKEN$|PASSWORD$|DSN$/.test(name) || /:\/\/[^/]*@/.test(value),
        )
        .map(([name]) => `${metadata.name}: holds ${name}`),
    ),
  ],
} satisfies Record<string, Policy>;
