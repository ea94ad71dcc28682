import { UsersService } from '../../src/modules/users/index.js';
import { startTestApp, type TestApp } from '../support/app.js';
import { signUpAdmin } from '../support/clients.js';

describe('the last active admin', () => {
  let app: TestApp;
  beforeEach(async () => {
    app = await startTestApp();
  });
  afterEach(() => app.close());

  it.each([{ role: 'user' }, { status: 'suspended' }, { role: 'user', status: 'suspended' }])(
    'cannot become %j',
    async (change) => {
      const admin = await signUpAdmin(app);
      const { body } = await admin.patch(`/admin/users/${admin.user.id}`).send(change).expect(409);
      expect(body.code).toBe('admin.last_admin');
      await admin.get('/admin/users').expect(200);
    },
  );

  it('is not saved by an admin who is suspended', async () => {
    const [admin, other] = [await signUpAdmin(app), await signUpAdmin(app)];
    await admin.patch(`/admin/users/${other.user.id}`).send({ status: 'suspended' }).expect(200);
    await admin.patch(`/admin/users/${admin.user.id}`).send({ role: 'user' }).expect(409);
  });

  it('cannot delete the account', async () => {
    const admin = await signUpAdmin(app);
    const { body } = await admin.delete('/users/me').send({ password: admin.password }).expect(409);
    expect(body.code).toBe('admin.last_admin');
  });

  it('may go once there is another one, by their own hand too', async () => {
    const [admin, other] = [await signUpAdmin(app), await signUpAdmin(app)];
    await admin.patch(`/admin/users/${admin.user.id}`).send({ status: 'suspended' }).expect(200);
    await admin.get('/admin/users').expect(401);
    await other.patch(`/admin/users/${other.user.id}`).send({ role: 'user' }).expect(409);
  });

  it('is there after two admins demoted, suspended or deleted each other at the same time, twenty times', async () => {
    const users = app.app.get(UsersService);
    let [one, two] = [await signUpAdmin(app), await signUpAdmin(app)];
    for (let round = 0; round < 20; round++) {
      const change = round % 2 ? { role: 'user' } : { status: 'suspended' };
      const answers = await Promise.all([
        one.patch(`/admin/users/${two.user.id}`).send(change),
        two.patch(`/admin/users/${one.user.id}`).send(change),
      ]);
      // The slower one is refused: as the last admin's end, or because its own tokens are over by now.
      expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
      expect([401, 409]).toContain(answers.find(({ status }) => status !== 200)!.status);
      expect(await users.countActiveAdmins()).toBe(1);
      const winner = answers[0].status === 200 ? one : two;
      [one, two] = [winner, await signUpAdmin(app)];
    }
  });
});
