import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfig, loadMongoUri, type AppConfig } from '../../src/config/config.js';
import { MODULE_NAMES } from '../../src/config/modules.js';
import { ENVIRONMENT_NAMES, SECRET_NAMES } from '../../src/config/environment.js';
import { SHUTDOWN_AFTER_DRAIN_MS } from '../../src/shutdown.js';
import { argumentsOf, imageInstruction } from '../support/image.js';
import {
  named,
  ofKind,
  OVERLAY_NAMES,
  podTemplates,
  renderOtherComponents,
  renderOverlay,
  withKubectl,
  type Resource,
} from '../support/kubernetes.js';

const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
/** What the secret store would hold. */
const SECRETS: Readonly<Record<string, string>> = {
  MONGODB_URI: 'mongodb://taskflow:pass@db-0.internal,db-1.internal/taskflow?replicaSet=rs0',
  REDIS_URL: 'rediss://taskflow:pass@cache.internal:6379',
  SECRET_KEY: randomBytes(32).toString('base64url'),
  METRICS_TOKEN: randomBytes(32).toString('base64url'),
  VAPID_PRIVATE_KEY: randomBytes(32).toString('base64url'),
  SMTP_URL: 'smtps://mail.internal:465',
  EVENTS_URL: 'amqps://taskflow:pass@broker.internal:5671',
  JWT_KEYS: `a:${privateKey.export({ format: 'der', type: 'pkcs8' }).toString('base64url')}`,
};

type PodTemplate = ReturnType<typeof podTemplates>[number]['template'];

/** The variables that a container gets, as the manifests say them. */
function variables(resources: readonly Resource[], { spec }: PodTemplate): Record<string, string> {
  const { env = [], envFrom = [] } = spec!.containers[0]!;
  const maps = envFrom.map(({ configMapRef }) => named(resources, 'ConfigMap', configMapRef!.name!).data ?? {});
  return Object.assign({}, ...maps, Object.fromEntries(env.map(({ name, value = '' }) => [name, value])));
}

/** What is in the files of a pod's volumes: those keys of the Secrets that it takes, or all. */
function secretKeys(resources: readonly Resource[], { spec }: PodTemplate): string[] {
  const of = (secret: string | undefined, items?: { key: string }[]): string[] =>
    items?.map(({ key }) => key) ??
    named(resources, 'ExternalSecret', secret ?? '').spec!.data!.map(({ secretKey }) => secretKey);
  return spec!.volumes!.flatMap(({ secret, projected }) =>
    secret
      ? of(secret.secretName, secret.items)
      : projected!.sources!.flatMap((source) => of(source.secret!.name, source.secret!.items)),
  );
}

withKubectl('the configuration of the pods is not read by the program', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'taskflow-pod-'));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  /** The environment of a container whose volumes lie in a directory of this machine. */
  function environmentOf(resources: readonly Resource[], template: PodTemplate): Record<string, string> {
    const [mount] = template.spec!.containers[0]!.volumeMounts!;
    mkdirSync(join(directory, mount!.mountPath), { recursive: true });
    for (const key of secretKeys(resources, template)) {
      writeFileSync(join(directory, mount!.mountPath, key), SECRETS[key]!);
    }
    return Object.fromEntries(
      Object.entries(variables(resources, template)).map(([name, value]) => [
        name,
        name.endsWith('_FILE') && value !== '' ? join(directory, value) : value,
      ]),
    );
  }
  const configOf = (resources: readonly Resource[], template: PodTemplate): AppConfig =>
    loadConfig(environmentOf(resources, template));

  describe('with components/rabbitmq', () => {
    const resources = renderOtherComponents();

    it('workers have the broker’s address, and a way to it', () => {
      const { template } = named(resources, 'Deployment', 'taskflow-worker').spec!;
      expect(configOf(resources, template).eventsUrl).toBe(SECRETS['EVENTS_URL']);
      const { podSelector, egress } = named(resources, 'NetworkPolicy', 'broker').spec!;
      expect(podSelector.matchLabels).toEqual(template.metadata!.labels);
      expect(egress!.flatMap(({ ports }) => ports!.map(({ port }) => port))).toContain(
        Number(new URL(SECRETS['EVENTS_URL']!).port),
      );
    });

    it('nobody else has', () => {
      const { template } = named(resources, 'Deployment', 'taskflow').spec!;
      expect(variables(resources, template)).not.toHaveProperty('EVENTS_URL_FILE');
      expect(secretKeys(resources, template)).not.toContain('EVENTS_URL');
    });
  });

  describe.each(OVERLAY_NAMES)('the pods of %s', (overlay) => {
    const resources = renderOverlay(overlay);
    const deployments = ofKind(resources, 'Deployment').map(
      (deployment) => [deployment.metadata.name, deployment.spec!.template] as const,
    );

    it.each(deployments)('%s: the program starts with what they give it', (_name, template) => {
      const host = ofKind(resources, 'Ingress')[0]!.spec!.rules![0]!.host!;
      expect(configOf(resources, template)).toMatchObject({
        mode: 'server',
        production: true,
        // The Ingress controller is the only proxy that may say who asks.
        trustProxy: 1,
        publicUrl: expect.stringMatching(/^https:\/\//) as string,
        redis: expect.objectContaining({ host: 'cache.internal' }) as object,
        logFormat: 'json',
        metricsToken: SECRETS['METRICS_TOKEN'],
        push: expect.objectContaining({ privateKey: SECRETS['VAPID_PRIVATE_KEY'] }) as object,
        mongo: { migrateAtStart: false },
      });
      expect(configOf(resources, template).publicUrl).toBe(`https://${host}`);
      expect(configOf(resources, template).mail.from).toBe(`TaskFlow <no-reply@${host}>`);
    });

    it.each(deployments)('%s: every variable is one that the program reads', (_name, template) => {
      const known = new Set([...ENVIRONMENT_NAMES, ...SECRET_NAMES.map((name) => `${name}_FILE`)]);
      const given = Object.keys(variables(resources, template));
      expect(given.filter((name) => !known.has(name))).toEqual([]);
    });

    it.each(deployments)('%s: every secret in reach is one that the program needs', (_name, template) => {
      const given = variables(resources, template);
      expect(secretKeys(resources, template).filter((key) => !given[`${key}_FILE`])).toEqual([]);
    });

    it.each(deployments)(
      '%s: the port is the one that the program listens on and the image exposes',
      (_name, template) => {
        const { port } = configOf(resources, template);
        expect(template.spec!.containers[0]!.ports!.map(({ containerPort }) => containerPort)).toEqual([port]);
        expect(argumentsOf(imageInstruction('EXPOSE'))).toBe(String(port));
      },
    );

    it.each(podTemplates(resources).map(({ owner, template }) => [owner.metadata.name, template] as const))(
      '%s: the user is the one that the image was made for',
      (_name, { spec }) => {
        const { runAsUser, runAsGroup, fsGroup } = spec!.securityContext!;
        expect(`${runAsUser}:${runAsGroup}`).toBe(argumentsOf(imageInstruction('USER')));
        // Whoever is in this group may read the files of the secrets, and nobody else.
        expect(fsGroup).toBe(runAsGroup);
      },
    );

    it.each(deployments)(
      '%s: a pod is not killed before its last request and its stores are done',
      (_name, template) => {
        const { drainSeconds } = configOf(resources, template);
        const { terminationGracePeriodSeconds = 30, containers } = template.spec!;
        // Nobody sends a worker anything.
        const isWorker = configOf(resources, template).role === 'worker';
        const preStopSeconds = isWorker ? 0 : containers[0]!.lifecycle!.preStop!.sleep!.seconds;
        if (!isWorker) expect(preStopSeconds).toBeGreaterThanOrEqual(3);
        expect(drainSeconds).toBeGreaterThanOrEqual(5);
        const longestSeconds = preStopSeconds + drainSeconds + SHUTDOWN_AFTER_DRAIN_MS / 1000;
        expect(terminationGracePeriodSeconds).toBeGreaterThanOrEqual(longestSeconds + 5);
      },
    );

    it.each(deployments)('%s: the limits are shared among as many pods as there may be', (name, template) => {
      const scalers = ofKind(resources, 'HorizontalPodAutoscaler');
      const { minReplicas, maxReplicas } = scalers.find(({ spec }) => spec!.scaleTargetRef.name === name)!.spec!;
      const { apiInstances, role } = configOf(resources, template);
      if (role === 'worker') return;
      expect(apiInstances).toBeGreaterThanOrEqual(minReplicas!);
      expect(apiInstances).toBeLessThanOrEqual(maxReplicas);
    });

    it('can be migrated with the address of the database alone', () => {
      const { template } = named(resources, 'Job', 'taskflow-migrate').spec!;
      expect(secretKeys(resources, template)).toEqual(['MONGODB_URI']);
      expect(loadMongoUri(environmentOf(resources, template))).toBe(SECRETS['MONGODB_URI']);
      expect(template.spec!.containers[0]!.args).toEqual(['node', 'dist/migrate.js']);
    });

    it('are migrated by the image that they run', () => {
      const images = podTemplates(resources).map(({ template }) => template.spec!.containers[0]!.image);
      expect(new Set(images).size).toBe(1);
    });
  });

  describe('services', () => {
    const resources = renderOverlay('services');
    const template = (name: string): PodTemplate => named(resources, 'Deployment', name).spec!.template;

    it('are one process a module, and workers for all of them', () => {
      const processes = ofKind(resources, 'Deployment').map(({ metadata, spec }) => {
        const { role, modules } = configOf(resources, spec!.template);
        return [metadata.name, { role, modules }] as const;
      });
      expect(Object.fromEntries(processes)).toEqual({
        'taskflow-auth': { role: 'api', modules: ['auth'] },
        'taskflow-users': { role: 'api', modules: ['users'] },
        'taskflow-tasks': { role: 'api', modules: ['tasks'] },
        'taskflow-notifications': { role: 'api', modules: ['notifications'] },
        'taskflow-admin': { role: 'api', modules: ['admin'] },
        'taskflow-worker': { role: 'worker', modules: [...MODULE_NAMES] },
      });
    });

    it('keep the private keys in auth', () => {
      expect(configOf(resources, template('taskflow-auth')).jwt.keys[0]!.privateKey).toBeDefined();
      expect(secretKeys(resources, template('taskflow-auth'))).toContain('JWT_KEYS');
    });

    it.each(['users', 'tasks', 'notifications', 'admin'])(
      'let %s have public keys only, from the Service of auth',
      (module) => {
        expect(secretKeys(resources, template(`taskflow-${module}`))).not.toContain('JWT_KEYS');
        const url = new URL(configOf(resources, template(`taskflow-${module}`)).jwt.jwksUrl!);
        const { spec } = named(resources, 'Service', url.hostname);
        expect(spec!.selector).toMatchObject({ module: 'auth' });
        expect(spec!.ports![0]!.port).toBe(80);
        expect(url.pathname).toBe('/.well-known/jwks.json');
      },
    );

    /** As an Ingress controller chooses: exact before prefix, the longer prefix first. */
    function routeOf(address: string): string | undefined {
      const { paths } = named(resources, 'Ingress', 'taskflow').spec!.rules![0]!.http!;
      const fits = paths.filter(({ path = '', pathType }) =>
        pathType === 'Exact' ? path === address : `${address}/`.startsWith(`${path}/`),
      );
      const rank = ({ path = '', pathType }: (typeof paths)[number]): number =>
        pathType === 'Exact' ? Infinity : path.length;
      return fits.sort((a, b) => rank(b) - rank(a))[0]?.backend.service?.name;
    }

    it('answer the addresses of their modules', () => {
      const { paths } = JSON.parse(readFileSync(join(__dirname, '../../openapi.json'), 'utf8')) as { paths: object };
      const addresses = Object.keys(paths).filter((path) => path.startsWith('/api/v1/'));
      expect(addresses.length).toBeGreaterThanOrEqual(20);
      // The stream of events is the notifications' matter.
      const moduleOf = (path: string): string => path.split('/')[3]!.replace('events', 'notifications');
      const wrong = addresses.filter((path) => routeOf(path) !== `taskflow-${moduleOf(path)}`);
      expect(wrong).toEqual([]);
    });

    it.each([
      ['/.well-known/jwks.json', 'taskflow-auth'],
      ['/api/v1/nothing-of-ours', 'taskflow-users'],
      ['/api/docs/errors', 'taskflow-users'],
      ['/api/openapi.json', 'taskflow-users'],
      ['/metrics', undefined],
      ['/api/health/ready', undefined],
    ])('%s leads to %s', (address, service) => {
      expect(routeOf(address)).toBe(service);
    });
  });
});
