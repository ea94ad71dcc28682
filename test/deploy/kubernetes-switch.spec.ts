import { spawnSync } from 'node:child_process';
import { FakeCluster } from '../support/fake-cluster.js';
import { withKubectl } from '../support/kubernetes.js';

const SWITCH = 'overlays/production/switch.sh';

describe('blue/green', () => {
  let cluster: FakeCluster;
  beforeEach(async () => {
    cluster = new FakeCluster();
    await cluster.start();
  });
  afterEach(() => {
    cluster.stop();
    expect(cluster.harm).toEqual([]);
  });

  const run = (command: string) => cluster.run(SWITCH, command);
  async function deployed(...releases: string[]): Promise<void> {
    for (const release of releases) {
      cluster.release = release;
      expect(await run('deploy')).toMatchObject({ code: 0 });
    }
    cluster.calls.length = 0;
  }
  const previous = () => cluster.service?.metadata.annotations['previous-color'];
  const scaleLive = (pods: number) =>
    Object.assign(cluster.deployments.get(cluster.live!)!, { replicas: pods, ready: pods });
  /** What was done, without the questions. */
  const deeds = () =>
    cluster.calls
      .map((call) =>
        call.filter((word) => !word.startsWith('--') && !word.startsWith('/') && word !== 'taskflow').join(' '),
      )
      .filter((deed) => !/^(get|diff)/.test(deed));

  describe('deploy', () => {
    it('brings the first release up in blue: platform, secrets, migrations, pods, a trial, traffic', async () => {
      expect(await run('deploy')).toEqual({ code: 0, output: expect.stringContaining('blue is live.') as string });
      expect(deeds()).toEqual([
        'apply app.kubernetes.io/component=platform',
        'wait externalsecret',
        'delete job/taskflow-migrate',
        'apply app.kubernetes.io/component=migrate',
        'apply',
        'scale deployment/taskflow-blue',
        'scale deployment/taskflow-worker-blue',
        'rollout status deployment/taskflow-blue',
        'rollout status deployment/taskflow-worker-blue',
        'port-forward service/taskflow-blue :80',
        'apply',
      ]);
      expect(cluster.live).toBe('blue');
    });

    it('brings the next one up in the other color, with as many pods, and keeps the old ones', async () => {
      await deployed('v1');
      scaleLive(7);
      cluster.release = 'v2';
      expect(await run('deploy')).toMatchObject({ code: 0 });
      expect(cluster.live).toBe('green');
      expect(previous()).toBe('blue');
      expect(Object.fromEntries(cluster.deployments)).toEqual({
        blue: { release: 'v1', replicas: 7, ready: 7 },
        green: { release: 'v2', replicas: 7, ready: 7 },
      });
    });

    it('does nothing the second time, so that there still is a way back', async () => {
      await deployed('v1', 'v2');
      expect(await run('deploy')).toMatchObject({ code: 0, output: expect.stringContaining('already') as string });
      expect([cluster.live, previous()]).toEqual(['green', 'blue']);
      expect(cluster.deployments.get('blue')!.release).toBe('v1');
    });

    it('changes nothing when it cannot see whether there is anything to change', async () => {
      await deployed('v1', 'v2');
      // The eighth is the comparison.
      cluster.lostCall = 8;
      expect(await run('deploy')).toMatchObject({
        code: 1,
        output: expect.stringContaining('green cannot be compared with this release.') as string,
      });
      expect([previous(), cluster.deployments.get('blue')!.release]).toEqual(['blue', 'v1']);
    });

    it('waits for the migrations', async () => {
      cluster.migrationLooks = 1;
      expect(await run('deploy')).toMatchObject({ code: 0 });
      expect(cluster.calls.filter((call) => call[1] === 'job/taskflow-migrate' && call[0] === 'get')).toHaveLength(2);
    });

    it.each([
      ['migrations fail', 'The migrations failed; nothing was rolled out.', ['blue']],
      ['never ready', 'green does not become ready; blue is live as before.', ['blue', 'green']],
      ['degraded', 'green does not answer as it should; blue is live as before.', ['blue', 'green']],
      ['open to strangers', 'green does not answer as it should; blue is live as before.', ['blue', 'green']],
      ['no keys', 'green does not answer as it should; blue is live as before.', ['blue', 'green']],
    ] as const)('leaves the traffic where it is when %s', async (fault, sentence, colors) => {
      await deployed('v1');
      cluster.release = 'v2';
      cluster.faults.set('v2', fault);
      expect(await run('deploy')).toEqual({ code: 1, output: expect.stringContaining(sentence) as string });
      expect(cluster.live).toBe('blue');
      expect([...cluster.deployments.keys()]).toEqual(colors);
    });

    it('rolls nothing out when the secrets cannot be read', async () => {
      cluster.areSecretsReady = false;
      expect(await run('deploy')).toEqual({
        code: 1,
        output: expect.stringContaining('The secrets cannot be read') as string,
      });
      expect(cluster.deployments.size).toBe(0);
    });

    it('takes the way back away before it replaces what it leads to', async () => {
      await deployed('v1', 'v2');
      cluster.release = 'v3';
      cluster.faults.set('v3', 'never ready');
      expect(await run('deploy')).toMatchObject({ code: 1 });
      expect(await run('rollback')).toEqual({ code: 1, output: 'There is no color to go back to; green is live.\n' });
      expect(cluster.live).toBe('green');
    });

    it('does not switch when somebody else did meanwhile', async () => {
      await deployed('v1', 'v2');
      cluster.release = 'v3';
      cluster.afterCall = () => {
        if (cluster.calls.at(-1)!.includes('port-forward')) cluster.service!.spec.selector.color = 'blue';
      };
      // Blue has v3 by now, and is tried: whoever switched to it had the same in mind.
      expect(await run('deploy')).toEqual({
        code: 1,
        output: expect.stringContaining('The Service changed meanwhile') as string,
      });
      expect([cluster.live, previous()]).toEqual(['blue', undefined]);
    });
  });

  describe('rollback', () => {
    it('gives the traffic back to as many pods as have it now', async () => {
      await deployed('v1', 'v2');
      Object.assign(cluster.deployments.get('blue')!, { replicas: 2, ready: 2 });
      scaleLive(9);
      expect(await run('rollback')).toEqual({
        code: 0,
        output: expect.stringContaining('blue is live again.') as string,
      });
      expect([cluster.live, previous()]).toEqual(['blue', undefined]);
      expect(cluster.deployments.get('blue')).toEqual({ release: 'v1', replicas: 9, ready: 9 });
    });

    it('does not go forth again the second time', async () => {
      await deployed('v1', 'v2');
      await run('rollback');
      expect(await run('rollback')).toEqual({ code: 1, output: 'There is no color to go back to; blue is live.\n' });
      expect(cluster.live).toBe('blue');
    });

    it('leaves the other color to the next release', async () => {
      await deployed('v1', 'v2');
      await run('rollback');
      await deployed('v3');
      expect([cluster.live, previous(), cluster.deployments.get('green')!.release]).toEqual(['green', 'blue', 'v3']);
    });
  });

  describe('retire', () => {
    it('ends the previous color and the way back to it', async () => {
      await deployed('v1', 'v2');
      expect(await run('retire')).toMatchObject({ code: 0 });
      expect(await run('retire')).toMatchObject({ code: 0 });
      for (const pods of [cluster.deployments, cluster.workers])
        expect(pods.get('blue')).toEqual({ release: 'v1', replicas: 0, ready: 0 });
      expect(await run('rollback')).toMatchObject({ code: 1 });
      expect(cluster.live).toBe('green');
    });
  });

  describe('when it is stopped in the middle', () => {
    const isDeployed = () => [cluster.live, previous(), Object.fromEntries(cluster.deployments)];
    const pods = (release: string) => ({ release, replicas: 5, ready: 5 });

    it.each(['is killed', 'loses the cluster'])(
      'and %s at any call, the second run completes a deployment',
      async (how) => {
        for (let call = 1; await stoppedAt(call, how, 'deploy', 'v3'); call += 1) {
          expect(await run('deploy')).toMatchObject({ code: 0 });
          expect(isDeployed()).toEqual(['blue', 'green', { blue: pods('v3'), green: pods('v2') }]);
        }
        expect(isDeployed()).toEqual(['blue', 'green', { blue: pods('v3'), green: pods('v2') }]);
      },
      60_000,
    );

    it.each(['is killed', 'loses the cluster'])(
      'and %s at any call, the second run completes a rollback',
      async (how) => {
        for (let call = 1; await stoppedAt(call, how, 'rollback', 'v2'); call += 1) {
          // 1, when all was done and only the last word was not heard.
          await run('rollback');
          expect(isDeployed()).toEqual(['blue', undefined, { blue: pods('v1'), green: pods('v2') }]);
        }
        expect(isDeployed()).toEqual(['blue', undefined, { blue: pods('v1'), green: pods('v2') }]);
      },
      60_000,
    );

    /** @returns whether the script came as far as that call, in a cluster where green is live and blue kept. */
    async function stoppedAt(call: number, how: string, command: string, release: string): Promise<boolean> {
      expect(cluster.harm).toEqual([]);
      for (const all of [cluster.deployments, cluster.workers])
        all.set('blue', { release: 'v1', replicas: 2, ready: 2 }).set('green', pods('v2'));
      cluster.service = {
        spec: { selector: { color: 'green' } },
        metadata: { annotations: { 'previous-color': 'blue' } },
      };
      cluster.release = release;
      cluster.calls.length = 0;
      if (how === 'is killed') cluster.afterCall = (number) => number === call && cluster.kill();
      else cluster.lostCall = call;
      const { code } = await run(command);
      const isReached = cluster.calls.length >= call;
      if (how === 'is killed') expect(code).toBe(isReached ? null : 0);
      cluster.afterCall = cluster.lostCall = undefined;
      return isReached;
    }
  });

  it('refuses a color that it does not know, and a command', async () => {
    await deployed('v1');
    expect(await run('undo')).toEqual({ code: 2, output: expect.stringContaining('Usage: switch.sh') as string });
    cluster.service!.spec.selector.color = 'red';
    expect(await run('deploy')).toEqual({ code: 1, output: 'The Service taskflow has the unknown color red.\n' });
    cluster.harm.length = 0;
  });

  withKubectl('whether kubectl has the options that the scripts use is not checked', () => {
    it('speaks to kubectl in words that it knows', async () => {
      await deployed('v1');
      cluster.faults.set('v2', 'migrations fail');
      cluster.release = 'v2';
      await run('deploy');
      cluster.faults.clear();
      await run('deploy');
      await run('rollback');
      await run('retire');
      await run('status');
      expect(cluster.calls.length).toBeGreaterThan(30);
      const unknown = cluster.calls
        .map((call) => [call, spawnSync('kubectl', [...call, '--help'], { encoding: 'utf8' })] as const)
        .filter(([, { status, stdout }]) => status !== 0 || !stdout.includes('Usage:'));
      expect(unknown.map(([call, { stderr }]) => [call.join(' '), stderr])).toEqual([]);
    });
  });
});
