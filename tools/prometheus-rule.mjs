// @ts-check
// Writes the rules of deploy/prometheus into the PrometheusRule of Kubernetes, comments and all: kustomize can put a file
// into a ConfigMap, but not into another resource. A test compares them.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const target = join(root, 'k8s/components/monitoring/prometheus-rule.yaml');
const [head] = readFileSync(target, 'utf8').split(/(?<=^  groups:\n)/m);

const groups = ['recording.yml', 'alerts.yml'].map((file) => {
  const text = readFileSync(join(root, 'deploy/prometheus/rules', file), 'utf8');
  return text.slice(text.indexOf('groups:\n') + 'groups:\n'.length).replaceAll(/^(?=.)/gm, '  ');
});
writeFileSync(target, head + groups.join('\n'));
