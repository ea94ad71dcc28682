/**
 * The parts of Kong 3's declarative format that deploy/kong uses, after the published reference of its entities and
 * plugins: no package on npm has that schema. Closed: a field that is misspelt, or not of that entity, is an error.
 */
const closed = (properties: Record<string, object>, required: readonly string[] = []): object => ({
  type: 'object',
  additionalProperties: false,
  required,
  properties,
});
const array = (items: object): object => ({ type: 'array', items, minItems: 1 });
const whole = (minimum: number, maximum = 2 ** 31 - 1): object => ({ type: 'integer', minimum, maximum });
const oneOf = (...values: readonly unknown[]): object => ({ enum: values });

const flag = { type: 'boolean' };
const name = { type: 'string', pattern: '^[A-Za-z0-9._~-]+$' };
const timeoutMs = whole(1);
const statuses = array(whole(100, 999));
const cidr = { type: 'string', pattern: String.raw`^([0-9.]+|[0-9a-fA-F:]+)(/\d{1,3})?$` };

const plugin = (pluginName: string, config: object): object =>
  closed({ name: { const: pluginName }, config }, ['name', 'config']);
const plugins = array({
  oneOf: [
    plugin(
      'rate-limiting',
      closed(
        {
          second: whole(1),
          minute: whole(1),
          policy: oneOf('local', 'cluster', 'redis'),
          limit_by: oneOf('consumer', 'credential', 'ip', 'service', 'header', 'path', 'consumer-group'),
          fault_tolerant: flag,
          hide_client_headers: flag,
        },
        ['policy', 'limit_by'],
      ),
    ),
    plugin(
      'request-size-limiting',
      closed({ allowed_payload_size: whole(1), size_unit: oneOf('megabytes', 'kilobytes', 'bytes') }, [
        'allowed_payload_size',
        'size_unit',
      ]),
    ),
    plugin(
      'correlation-id',
      closed({
        header_name: { type: 'string', pattern: '^[A-Za-z0-9-]+$' },
        generator: oneOf('uuid', 'uuid#counter', 'tracker'),
        echo_downstream: flag,
      }),
    ),
    plugin(
      'ip-restriction',
      closed({ allow: array(cidr), deny: array(cidr), status: whole(100, 599), message: { type: 'string' } }),
    ),
  ],
});

const route = closed(
  {
    name,
    // A prefix, or `~` and a regular expression that begins at the slash.
    paths: array({ type: 'string', pattern: '^(/[^~()^$*|]*|~/.+)$' }),
    regex_priority: whole(0),
    strip_path: flag,
    preserve_host: flag,
    response_buffering: flag,
    plugins,
  },
  ['name', 'paths', 'strip_path'],
);

const service = closed(
  {
    name,
    host: name,
    port: whole(0, 65_535),
    protocol: oneOf('http', 'https'),
    retries: whole(0, 32_767),
    connect_timeout: timeoutMs,
    write_timeout: timeoutMs,
    read_timeout: timeoutMs,
    routes: array(route),
  },
  ['name', 'host', 'port', 'protocol', 'routes'],
);

const counts = {
  tcp_failures: whole(0, 255),
  timeouts: whole(0, 255),
  http_failures: whole(0, 255),
  http_statuses: statuses,
};
const healthchecks = closed({
  active: closed({
    type: oneOf('tcp', 'http', 'https', 'grpc', 'grpcs'),
    http_path: { type: 'string', pattern: '^/' },
    timeout: whole(0, 65_535),
    healthy: closed({ interval: whole(0, 65_535), successes: whole(0, 255), http_statuses: statuses }),
    unhealthy: closed({ interval: whole(0, 65_535), ...counts }),
  }),
  passive: closed({ type: oneOf('tcp', 'http', 'https', 'grpc', 'grpcs'), unhealthy: closed(counts) }),
});
const upstream = closed(
  {
    name,
    algorithm: oneOf('round-robin', 'consistent-hashing', 'least-connections', 'latency', 'sticky-sessions'),
    targets: array(closed({ target: { type: 'string', pattern: String.raw`^[\w.-]+:\d+$` } }, ['target'])),
    healthchecks,
  },
  ['name', 'targets'],
);

export const KONG_SCHEMA = closed(
  { _format_version: { const: '3.0' }, services: array(service), upstreams: array(upstream), plugins },
  ['_format_version', 'services'],
);
