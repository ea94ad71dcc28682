import { FakeCluster } from '../support/fake-cluster.js';

describe('rolling out in place', () => {
  let cluster: FakeCluster;
  beforeEach(async () => {
    cluster = new FakeCluster();
    await cluster.start();
  });
  afterEach(() => cluster.stop());
  const deploy = (...overlays: string[]) => cluster.run('deploy.sh', ...overlays);
  const verbs = () =>
    cluster.calls.map(
      (call) => `${call[0]} ${/component(?:=| in )(\w+|\(.*?\))/.exec(call.join(' '))?.[1] ?? call[1]}`,
    );

  it.each([
    ['staging', 'taskflow-staging'],
    ['services', 'taskflow-services'],
  ])('brings the database of %s to the release before any pod has it', async (overlay, namespace) => {
    expect(await deploy(overlay)).toMatchObject({ code: 0 });
    expect(verbs()).toEqual([
      'apply platform',
      'wait externalsecret',
      'delete job/taskflow-migrate',
      'apply migrate',
      'get job/taskflow-migrate',
      'apply (api, worker)',
      'rollout (api, worker)',
    ]);
    const asked = cluster.calls.filter(([verb]) => verb !== 'apply');
    expect(asked.every((call) => call[call.indexOf('--namespace') + 1] === namespace)).toBe(true);
  });

  it('leaves the pods as they are when the migrations fail, and shows why', async () => {
    cluster.faults.set('v1', 'migrations fail');
    const { code, output } = await deploy('staging');
    expect(code).toBe(1);
    expect(output).toContain('the index cannot be built\nThe migrations failed; nothing was rolled out.');
    expect(verbs()).not.toContain('apply (api, worker)');
  });

  it('says the way back when the new pods do not become ready', async () => {
    cluster.faults.set('v1', 'never ready');
    const { code, output } = await deploy('staging');
    expect(code).toBe(1);
    expect(output).toContain(
      "kubectl rollout undo deployment --namespace taskflow-staging --selector 'app.kubernetes.io/component in (api, worker)'",
    );
  });

  it.each([[[]], [['production']], [['../staging']]])('refuses %j', async (overlays) => {
    expect(await deploy(...overlays)).toEqual({
      code: 2,
      output: expect.stringContaining('Usage: deploy.sh') as string,
    });
    expect(cluster.calls).toEqual([]);
  });
});
