import { refuseGuessable } from './password-policy.js';

describe('refuseGuessable', () => {
  const email = 'Ada.Lovelace@example.org';

  it('lets a phrase through', async () => {
    await expect(refuseGuessable('correct horse battery staple', email, '/password')).resolves.toBeUndefined();
  });

  it.each(['1234567890', 'qwertyuiop', 'QWERTYuiop'])('refuses the common %s', async (password) => {
    await expect(refuseGuessable(password, email, '/password')).rejects.toMatchObject({
      code: 'input.invalid',
      options: { errors: [{ pointer: '/password', code: 'too_common' }] },
    });
  });

  it.each(['ada.lovelace@EXAMPLE.org', 'ADA.lovelace'])('refuses the account’s own e-mail: %s', async (password) => {
    await expect(refuseGuessable(password, email, '/newPassword')).rejects.toMatchObject({
      options: { errors: [{ pointer: '/newPassword', code: 'is_email' }] },
    });
  });
});
