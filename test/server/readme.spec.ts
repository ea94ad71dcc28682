import { startReplicas, type Replicas } from '../support/nginx.js';
import { sessionAgainst } from '../support/readme.js';

describe('README.md, on three processes behind nginx', () => {
  let replicas: Replicas;
  beforeAll(async () => {
    replicas = await startReplicas();
  });
  afterAll(() => replicas?.stop());

  it('prints in its session what it prints on one process', async () => {
    const { told, printed } = await sessionAgainst(replicas.nginx.url);
    expect(printed).toEqual(told);
  });
});
