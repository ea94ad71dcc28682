import { Ajv } from 'ajv';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { MODULE_NAMES } from '../../src/config/modules.js';
import { BODY_LIMIT, BULK_BODY_LIMIT } from '../../src/core/http/limits.js';
import { HEARTBEAT_MS } from '../../src/modules/notifications/realtime/event-streams.service.js';
import { KONG_SCHEMA } from './kong.schema.js';

interface Plugin {
  readonly name: string;
  readonly config: Record<string, unknown>;
}
interface Route {
  readonly name: string;
  readonly paths: string[];
  readonly regex_priority?: number;
  readonly strip_path: boolean;
  readonly response_buffering?: boolean;
  readonly plugins?: Plugin[];
}
interface Kong {
  readonly services: {
    readonly name: string;
    readonly host: string;
    readonly read_timeout: number;
    readonly routes: Route[];
  }[];
  readonly upstreams: { readonly name: string; readonly targets: { readonly target: string }[] }[];
  readonly plugins: Plugin[];
}

const root = join(__dirname, '../..');
const read = (file: string): string => readFileSync(join(root, file), 'utf8');
const text = read('deploy/kong/kong.yaml');
const kong = parse(text) as Kong;

/** Kong's order: regular expressions before prefixes, by priority; among prefixes the longest. */
function kongRoute(path: string): (Route & { service: string }) | undefined {
  const routes = kong.services.flatMap((service) =>
    service.routes.map((route) => ({ ...route, service: service.name })),
  );
  const matching = routes.flatMap((route) =>
    route.paths.flatMap((pattern) => {
      const isRegex = pattern.startsWith('~');
      const matches = isRegex ? new RegExp(`^${pattern.slice(1)}`).test(path) : path.startsWith(pattern);
      return matches ? [{ route, rank: [isRegex ? 1 : 0, route.regex_priority ?? 0, pattern.length] }] : [];
    }),
  );
  const before = (a: number[], b: number[]): number => b[0]! - a[0]! || b[1]! - a[1]! || b[2]! - a[2]!;
  return matching.sort((a, b) => before(a.rank, b.rank))[0]?.route;
}

/** What the map of nginx.split.conf says: exact paths, then regular expressions in their order, then the default. */
function nginxService(path: string): string | undefined {
  const map = /map \$uri \$service \{([^}]*)\}/.exec(read('deploy/nginx/nginx.split.conf'))![1]!;
  const entries = [...map.matchAll(/^ *([^#\s]\S*) +(\w+);/gm)].map(([, key, service]) => [key!, service!] as const);
  const exact = entries.find(([key]) => key === path);
  const regex = entries.find(([key]) => key.startsWith('~') && new RegExp(key.slice(1)).test(path));
  return (exact ?? regex ?? entries.find(([key]) => key === 'default'))?.[1];
}

/** Every path of the API with the module that mounts it: its tag. Health is each process' own. */
const mounted = Object.entries(
  (JSON.parse(read('openapi.json')) as { paths: Record<string, Record<string, { tags: string[] }>> }).paths,
)
  .map(
    ([path, operations]) =>
      [path.replaceAll(/\{\w+\}/g, '6b0216f324c3e0ab15fce8d7'), Object.values(operations)[0]!.tags[0]!] as const,
  )
  .filter(([, tag]) => tag !== 'health');

describe('deploy/kong/kong.yaml', () => {
  const ajv = new Ajv({ allErrors: true });
  const validate = ajv.compile(KONG_SCHEMA);
  const problemsOf = (config: unknown): string[] =>
    validate(config) ? [] : validate.errors!.map(({ instancePath, message }) => `${instancePath} ${message}`);

  it('has the form of Kong’s declarative configuration', () => expect(problemsOf(kong)).toEqual([]));

  it.each([
    ['a misspelt field', 'strip_path:', 'strip_paths:'],
    ['another format', "'3.0'", "'1.1'"],
    ['a plugin that is not there', 'name: correlation-id', 'name: correlation'],
    ['a setting of another plugin', 'limit_by: ip', 'limit_by: ip, size_unit: bytes'],
    ['a number as text', 'port: 3000', "port: '3000'"],
    ['a regular expression that is taken for a prefix', "'~/api/v1/admin(/|$)'", "'/api/v1/admin(/|$)'"],
  ])('would not pass with %s', (_what, from, to) => {
    expect(text).toContain(from);
    expect(problemsOf(parse(text.replace(from, to)))).not.toEqual([]);
  });

  it('sends every path of openapi.json where nginx does: to the module that mounts it, as it is', () => {
    expect(mounted.length).toBeGreaterThan(15);
    for (const [path, module] of mounted) {
      expect([path, nginxService(path), kongRoute(path)?.service]).toEqual([path, module, module]);
      expect([path, kongRoute(path)?.strip_path]).toEqual([path, false]);
    }
  });

  it.each([
    ['/.well-known/jwks.json', 'auth'],
    ['/api/docs', 'users'],
    ['/api/openapi.json', 'users'],
    ['/api/v1/nowhere', 'users'],
    // Beside a module's prefix, not under it.
    ['/api/v1/authors', 'users'],
    ['/api/v1/tasks-of-others', 'users'],
  ])('sends %s, which is in no list, where nginx does', (path, module) =>
    expect([nginxService(path), kongRoute(path)?.service]).toEqual([module, module]),
  );

  it('knows one upstream per module, with the name that nginx has', () => {
    const names = MODULE_NAMES.map((module) => `taskflow-${module}`).sort();
    expect(kong.services.map(({ host }) => host).sort()).toEqual(names);
    expect(kong.upstreams.map(({ name }) => name).sort()).toEqual(names);
    const split = read('deploy/nginx/nginx.split.conf');
    for (const { name, targets } of kong.upstreams)
      expect(split).toMatch(
        new RegExp(`upstream ${name.slice('taskflow-'.length)} \\{[^}]*server ${targets[0]!.target} `),
      );
  });

  it.each(['/metrics', '/metrics/', '/api/health', '/api/health/ready'])('shows %s to nobody outside', (path) => {
    const route = kongRoute(path)!;
    expect(route.name).toBe('inside');
    expect(route.plugins).toEqual([
      { name: 'ip-restriction', config: expect.objectContaining({ allow: ['127.0.0.1/32', '::1/128'], status: 404 }) },
    ]);
  });

  it('holds back no event of a stream, and takes no pause between two heartbeats for a failure', () => {
    const { response_buffering: isBuffered, service } = kongRoute('/api/v1/events')!;
    expect(isBuffered).toBe(false);
    expect(kong.services.find(({ name }) => name === service)!.read_timeout).toBeGreaterThan(HEARTBEAT_MS);
  });

  it('lets in bodies as large as the processes take', () => {
    const limitOf = (plugins: Plugin[] = []): unknown =>
      plugins.find(({ name }) => name === 'request-size-limiting')?.config['allowed_payload_size'];
    expect(limitOf(kong.plugins)).toBe(BODY_LIMIT);
    expect(limitOf(kongRoute('/api/v1/tasks/bulk')?.plugins)).toBe(BULK_BODY_LIMIT);
    expect(limitOf(kongRoute('/api/v1/tasks')?.plugins)).toBeUndefined();
  });
});
