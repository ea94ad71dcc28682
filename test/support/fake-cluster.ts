import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';

const MANIFESTS = join(__dirname, '..', '..', 'k8s');

const SEPARATOR = '\u001f';
/** Sends its arguments to the test, prints the answer and ends with the exit code in the status, 200 + code. */
const KUBECTL = `#!/bin/sh
IFS='${SEPARATOR}'
answer=$(curl --silent --data-binary "$*" --write-out '\n%{http_code}' "$FAKE_CLUSTER") || exit 97
status=\${answer##*
}
[ "$status" = 200 ] || [ "$status" = 299 ] || exec >&2
printf '%s\n' "\${answer%
*}"
[ "$status" != 299 ] || exec sleep 60
exit $((status - 200))
`;
/** What stays until it is killed. */
const STAYS = 99;

interface Answer {
  readonly code: number;
  readonly text?: string;
}
const done: Answer = { code: 0 };
const refused = (text: string): Answer => ({ code: 1, text });

interface Pods {
  release: string;
  replicas: number;
  ready: number;
}

/** What is wrong with a release, for those that are not good. */
type Fault = 'migrations fail' | 'never ready' | 'degraded' | 'open to strangers' | 'no keys';

/**
 * As much of a cluster as the scripts of `k8s/` speak to, behind a `kubectl` of its own. It keeps their promises in
 * mind while it obeys: whatever they do, the live color must serve a good release with enough pods.
 */
export class FakeCluster {
  /** What the manifests of this checkout would roll out. */
  release = 'v1';
  readonly faults = new Map<string, Fault>();
  areSecretsReady = true;
  /** How often a script sees the migrations run before they end. */
  migrationLooks = 0;
  service?: { spec: { selector: { color?: string } }; metadata: { annotations: Record<string, string> } };
  /** By color, those that answer requests. */
  readonly deployments = new Map<string, Pods>();
  readonly workers = new Map<string, Pods>();
  readonly calls: string[][] = [];
  /** Promises that were broken. */
  readonly harm: string[] = [];
  /** Called with the number of each call, after it had its effect. */
  afterCall?: (number: number) => void;
  /** The call that does not reach the cluster. */
  lostCall?: number;
  private job?: { looksUntilEnd: number; failed: boolean };
  private readonly directory = mkdtempSync(join(tmpdir(), 'taskflow-kubectl-'));
  private readonly servers: Server[] = [];
  private url = '';

  async start(): Promise<void> {
    writeFileSync(join(this.directory, 'kubectl'), KUBECTL);
    chmodSync(join(this.directory, 'kubectl'), 0o755);
    this.url = await this.listen(async (request) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const call = Buffer.concat(chunks).toString().split(SEPARATOR);
      this.calls.push(call);
      const number = this.calls.length;
      const { code, text = '' } =
        number === this.lostCall
          ? { code: call.includes('diff') ? 2 : 1, text: 'Unable to connect to the server' }
          : await this.obey(call);
      this.checkLive();
      this.afterCall?.(number);
      return { status: 200 + code, body: text };
    });
  }

  stop(): void {
    for (const server of this.servers) {
      server.close();
      server.closeAllConnections();
    }
    rmSync(this.directory, { recursive: true });
  }

  /** Runs a script of `k8s/` to its end. `killed` ends it and all that it started, as a lost machine would. */
  async run(script: string, ...args: string[]): Promise<{ code: number | null; output: string }> {
    const child = spawn(join(MANIFESTS, script), args, {
      // A group of its own, so that it can be killed as a whole.
      detached: true,
      env: { PATH: `${this.directory}:${process.env['PATH']}`, FAKE_CLUSTER: this.url },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.kill = () => process.kill(-child.pid!, 'SIGKILL');
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
    const [code] = (await once(child, 'close')) as [number | null];
    return { code, output };
  }

  kill: () => void = () => undefined;

  get live(): string | undefined {
    return this.service?.spec.selector.color;
  }

  private async obey(call: string[]): Promise<Answer> {
    const words = call.filter(
      (word, index) => !word.startsWith('--') && !/^--(namespace|selector|kustomize)$/.test(call[index - 1] ?? ''),
    );
    const option = (name: string): string =>
      call.find((word) => word.startsWith(`--${name}=`))?.slice(name.length + 3) ??
      call[call.indexOf(`--${name}`) + 1] ??
      '';
    const [verb = '', object = ''] = words;
    const [, worker, color = ''] =
      /taskflow-(worker-)?(blue|green)$/.exec(words.at(verb === 'port-forward' ? -2 : -1) ?? '') ?? [];
    const pods = (worker ? this.workers : this.deployments).get(color);
    switch (verb) {
      case 'apply':
        return this.apply(basename(option('kustomize')), /component(?:=| in )(.*)/.exec(option('selector'))?.[1]);
      case 'wait':
        return this.areSecretsReady ? done : refused('timed out waiting for the condition');
      case 'delete':
        this.job = undefined;
        return done;
      case 'logs':
        return { code: 0, text: 'the index cannot be built' };
      case 'get':
        return { code: 0, text: this.read(object, option('output')) };
      case 'diff':
        return { code: this.deployments.get(basename(option('kustomize')))?.release === this.release ? 0 : 1 };
      case 'scale':
        if (!pods) return refused('not found');
        pods.replicas = Number(option('replicas'));
        pods.ready = Math.min(pods.ready, pods.replicas);
        return done;
      case 'rollout':
        return this.rollOut(pods);
      case 'port-forward':
        return { code: STAYS, text: `Forwarding from ${await this.forward(color)} -> 3000` };
      case 'patch':
        return this.patch(JSON.parse(option('patch')) as { op: string; path: string; value?: string }[]);
      default:
        return refused(`unknown command ${call.join(' ')}`);
    }
  }

  private apply(directory: string, component?: string): Answer {
    if (component === 'migrate') {
      if (this.job) return refused('field is immutable');
      this.job = { looksUntilEnd: this.migrationLooks, failed: this.faults.get(this.release) === 'migrations fail' };
    } else if (directory === 'live') {
      const annotations = this.service?.metadata.annotations ?? {};
      this.service = { spec: { selector: { color: 'blue' } }, metadata: { annotations } };
    } else if (component === undefined) {
      if (directory === this.live) this.harm.push(`the live color ${directory} was changed`);
      for (const all of [this.deployments, this.workers]) {
        const { replicas = 1 } = all.get(directory) ?? {};
        all.set(directory, { release: this.release, replicas, ready: 0 });
      }
    }
    return done;
  }

  private read(object: string, output: string): string {
    const path = /jsonpath=\{(.*)\}/.exec(output)?.[1] ?? '';
    if (object.startsWith('job/')) {
      if (this.job!.looksUntilEnd-- > 0) return '';
      return this.job!.failed ? 'FailureTarget Failed' : 'SuccessCriteriaMet Complete';
    }
    if (object === 'service/taskflow') {
      const { annotations = {} } = this.service?.metadata ?? {};
      return (path === '.spec.selector.color' ? this.live : annotations['previous-color']) ?? '';
    }
    return String(this.deployments.get(object.replace('deployment/taskflow-', ''))?.ready ?? '');
  }

  private rollOut(pods?: Pods): Answer {
    const isReady = this.faults.get(pods?.release ?? this.release) !== 'never ready';
    if (pods && isReady) pods.ready = pods.replicas;
    return isReady ? done : refused('exceeded its progress deadline');
  }

  private patch(operations: readonly { op: string; path: string; value?: string }[]): Answer {
    const changed = structuredClone(this.service);
    for (const { op, path, value } of operations) {
      const [, ...keys] = path.split('/');
      const last = keys.pop()!;
      const parent = keys.reduce<unknown>((at, key) => (at as Record<string, unknown>)[key], changed) as Record<
        string,
        string
      >;
      if (op === 'test' && parent[last] !== value) return refused('the test failed');
      if (op === 'remove' && parent[last] === undefined) return refused('nothing to remove');
      if (op === 'remove') delete parent[last];
      if (op === 'add' || op === 'replace') parent[last] = value!;
    }
    const before = this.deployments.get(this.live ?? '')?.ready ?? 0;
    this.service = changed;
    const now = this.deployments.get(this.live ?? '')?.ready ?? 0;
    if (now < before) this.harm.push(`${now} pods got the traffic of ${before}`);
    return done;
  }

  private checkLive(): void {
    if (!this.live) return;
    const pods = this.deployments.get(this.live);
    const fault = this.faults.get(pods?.release ?? '');
    if (!pods || pods.ready < 2 || fault) this.harm.push(`${this.live} is live with ${pods?.ready} pods, ${fault}`);
    const workers = this.workers.get(this.live)?.ready ?? 0;
    if (workers < 1) this.harm.push(`${this.live} is live without a worker`);
  }

  /** A pod of the color, as the release in it answers. */
  private async forward(color: string): Promise<string> {
    const fault = this.faults.get(this.deployments.get(color)!.release);
    const url = await this.listen((request) => {
      if (request.url === '/api/health')
        return { status: 200, body: `{"status":"${fault === 'degraded' ? fault : 'ok'}"}` };
      if (request.url === '/.well-known/jwks.json')
        return { status: 200, body: fault === 'no keys' ? '{"keys":[]}' : '{"keys":[{"kid":"a"}]}' };
      return { status: fault === 'open to strangers' ? 200 : 401, body: '' };
    });
    return url.replace('http://', '');
  }

  private async listen(
    answer: (request: IncomingMessage) => { status: number; body: string } | Promise<{ status: number; body: string }>,
  ): Promise<string> {
    const server = createServer((request, response) => {
      void Promise.resolve(answer(request)).then(({ status, body }) => response.writeHead(status).end(body));
    });
    this.servers.push(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }
}
