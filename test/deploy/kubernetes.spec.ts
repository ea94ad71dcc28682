import type { IPodMonitor } from '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1';
import { randomBytes } from 'node:crypto';
import { loadConfig } from '../../src/config/config.js';
import { ENVIRONMENT_NAMES, SECRET_NAMES } from '../../src/config/environment.js';
import {
  manifestFiles,
  named,
  OVERLAY_NAMES,
  renderOtherComponents,
  renderOverlay,
  selects,
  withKubectl,
  type Resource,
} from '../support/kubernetes.js';
import { schemaErrors } from '../support/kubernetes-schemas.js';

describe('the manifests', () => {
  const files = manifestFiles();

  it('are whole objects of kinds that Kubernetes knows, or parts that kustomize completes', async () => {
    const parts = new Set(['base/workload/deployment.yaml', 'overlays/services/routes.yaml']);
    const whole = [...files].filter(([path]) => !path.endsWith('kustomization.yaml') && !parts.has(path));
    expect(whole.length).toBeGreaterThan(12);
    // Services, disruption budgets and Jobs get their selectors and labels from kustomize, and are valid without.
    expect(await schemaErrors(whole.flatMap(([, resources]) => resources))).toEqual([]);
  });

  it('hold no Secret, not even an encoded one', () => {
    expect([...files].filter(([, resources]) => resources.some(({ kind }) => kind === 'Secret'))).toEqual([]);
  });

  it('are all reached from a kustomization', () => {
    const parts = [...files]
      .filter(([path]) => path.endsWith('kustomization.yaml'))
      .flatMap(([path, [kustomization]]) => {
        const { resources = [], patches = [] } = kustomization as unknown as {
          resources?: string[];
          patches?: { path?: string }[];
        };
        return [...resources, ...patches.map((patch) => patch.path ?? '')].map((name) =>
          path.replace('kustomization.yaml', name),
        );
      });
    const mentioned = new Set(parts);
    const objects = [...files.keys()].filter((path) => !path.endsWith('kustomization.yaml'));
    expect(objects.filter((path) => !mentioned.has(path))).toEqual([]);
  });
});

describe('the workers', () => {
  const files = manifestFiles();
  const deployment = named(files.get('base/worker/deployment.yaml')!, 'Deployment', 'taskflow-worker');
  const literals = (path: string): Record<string, string> => {
    const [kustomization] = files.get(`${path}/kustomization.yaml`) as unknown as [
      { configMapGenerator: [{ literals: string[] }] },
    ];
    const pairs = kustomization.configMapGenerator[0].literals.map((text) => text.split(/=(.*)/s) as [string, string]);
    return Object.fromEntries(pairs);
  };

  it('do the background work, which the pods that answer requests leave to them', () => {
    expect(literals('base/workload')).toMatchObject({ ROLE: 'api' });
    const { env = [], args } = deployment.spec!.template.spec!.containers[0]!;
    expect(args).toEqual(['node', 'dist/worker.js']);
    const own = Object.fromEntries(env.map(({ name, value = '' }) => [name, value]));
    const given = { ...literals('base/workload'), ...own };
    const known = new Set([...ENVIRONMENT_NAMES, ...SECRET_NAMES.map((name) => `${name}_FILE`)]);
    expect(Object.keys(given).filter((name) => !known.has(name))).toEqual([]);
    // What the files hold, in the place of the files.
    const secrets = Object.keys(given).filter((name) => name.endsWith('_FILE'));
    const inPlace: Record<string, string> = {
      MONGODB_URI: 'mongodb://db.internal/taskflow',
      REDIS_URL: 'redis://cache.internal',
      SECRET_KEY: randomBytes(32).toString('base64url'),
      METRICS_TOKEN: randomBytes(32).toString('base64url'),
      VAPID_PRIVATE_KEY: randomBytes(32).toString('base64url'),
      SMTP_URL: 'smtps://mail.internal:465',
    };
    expect(secrets.filter((name) => given[name]).map((name) => name.replace('_FILE', ''))).toEqual(
      Object.keys(inPlace),
    );
    const config = loadConfig({ ...given, ...inPlace, ...Object.fromEntries(secrets.map((name) => [name, ''])) });
    expect(config).toMatchObject({ role: 'worker', production: true, jwt: { keys: [] } });
    expect(config.mail.smtpUrl).toBe(inPlace['SMTP_URL']);
    expect(config.push).toMatchObject({
      privateKey: inPlace['VAPID_PRIVATE_KEY'],
      subject: expect.not.stringContaining('localhost') as string,
    });
  });

  it('scale on the lag, and can be selected by no Service and no policy of the API', () => {
    const scaler = named(files.get('base/worker/autoscaler.yaml')!, 'HorizontalPodAutoscaler', 'taskflow-worker');
    expect(scaler.spec!.scaleTargetRef.name).toBe(deployment.metadata.name);
    expect(scaler.spec!.metrics![0]!.external!.metric.name).toBe('taskflow_outbox_lag_seconds');
    const { labels } = deployment.spec!.template.metadata!;
    expect(selects(deployment.spec!.selector, labels)).toBe(true);
    expect(labels!['app.kubernetes.io/component']).toBe('worker');
  });
});

withKubectl('what kustomize makes of k8s/ is not validated', () => {
  describe('rendered by kustomize', () => {
    const rendered = new Map<string, Resource[]>();
    beforeAll(() => {
      for (const name of OVERLAY_NAMES) rendered.set(name, renderOverlay(name));
      rendered.set('with the other components', renderOtherComponents());
    });

    it('every overlay is what Kubernetes accepts, without a field that it would drop', async () => {
      expect(await schemaErrors([...rendered.values()].flat())).toEqual([]);
    });

    it('the Prometheus operator finds every process, and its token', () => {
      const resources = rendered.get('with the other components')!;
      const monitor = resources.find(({ kind }) => kind === 'PodMonitor') as Resource & IPodMonitor;
      const { selector, podMetricsEndpoints, jobLabel } = monitor.spec;
      for (const deployment of ['taskflow', 'taskflow-worker']) {
        const { metadata, spec } = named(resources, 'Deployment', deployment).spec!.template;
        expect(selects(selector, metadata!.labels)).toBe(true);
        expect(metadata!.labels![jobLabel!]).toBe('taskflow');
        expect(spec!.containers[0]!.ports!.map(({ name }) => name)).toEqual(
          podMetricsEndpoints.map(({ port }) => port),
        );
      }
      const { name = '', key } = podMetricsEndpoints[0]!.authorization!.credentials!;
      const keys = named(resources, 'ExternalSecret', name).spec!.data!.map(({ secretKey }) => secretKey);
      expect(keys).toContain(key);
    });

    it.each<[string, string, (deployment: never) => void]>([
      [
        'a field that does not exist',
        'replica',
        (deployment: { spec: object }) => Object.assign(deployment.spec, { replica: 2 }),
      ],
      [
        'text for a number',
        'minReadySeconds',
        (deployment: { spec: object }) => Object.assign(deployment.spec, { minReadySeconds: '5' }),
      ],
      [
        'half a second',
        'minReadySeconds',
        (deployment: { spec: object }) => Object.assign(deployment.spec, { minReadySeconds: 0.5 }),
      ],
      [
        'a value outside of an enumeration',
        'recreate',
        (deployment: { spec: object }) => Object.assign(deployment.spec, { strategy: { type: 'recreate' } }),
      ],
      [
        'a missing selector',
        'selector',
        (deployment: { spec: { selector?: object } }) => delete deployment.spec.selector,
      ],
      [
        'an API version that is gone',
        'extensions/v1beta1',
        (deployment: object) => Object.assign(deployment, { apiVersion: 'extensions/v1beta1' }),
      ],
    ])('the validation sees %s', async (_what, word, spoil) => {
      const deployment = structuredClone(rendered.get('staging')!.find(({ kind }) => kind === 'Deployment')!);
      spoil(deployment as never);
      expect((await schemaErrors([deployment])).join('\n')).toContain(word);
    });
  });
});
