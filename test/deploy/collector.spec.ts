import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { DEPLOY } from '../support/monitoring.js';

describe('deploy/otel/collector.yaml', () => {
  const config = parse(readFileSync(join(DEPLOY, 'otel/collector.yaml'), 'utf8'));
  const { traces, ...others } = config.service.pipelines;

  it('uses every component that it configures, and configures every one that it uses', () => {
    expect(others).toEqual({});
    for (const kind of ['receivers', 'processors', 'exporters'])
      expect([...traces[kind]].sort()).toEqual(Object.keys(config[kind]).sort());
    expect(config.service.extensions).toEqual(Object.keys(config.extensions));
  });

  it('refuses before its memory is full, keeps every trace, and sends in batches, in that order', () => {
    expect(traces.processors).toEqual(['memory_limiter', 'probabilistic_sampler', 'batch']);
    const { memory_limiter: limit, probabilistic_sampler: sampler } = config.processors;
    expect(limit.limit_percentage + limit.spike_limit_percentage).toBeLessThanOrEqual(100);
    expect(sampler.sampling_percentage).toBe(100);
  });

  it('listens where OTLP is sent by convention, and keeps no secret', () => {
    expect(config.receivers.otlp.protocols).toEqual({
      http: { endpoint: '0.0.0.0:4318' },
      grpc: { endpoint: '0.0.0.0:4317' },
    });
    expect(JSON.stringify(config)).not.toMatch(/key|token|password|authorization/i);
  });

  it('is given to the core distribution by compose, on a network that the processes share', () => {
    const { services } = parse(readFileSync(join(DEPLOY, '../docker-compose.yml'), 'utf8'), { merge: true });
    const collector = services['otel-collector'];
    expect(collector.image).toMatch(/^otel\/opentelemetry-collector:\d/);
    expect(collector.volumes).toEqual(['./deploy/otel/collector.yaml:/etc/otelcol/config.yaml:ro']);
    for (const name of ['api-1', 'api-2', 'api-3'])
      expect(services[name].networks).toEqual(expect.arrayContaining(collector.networks));
  });
});
