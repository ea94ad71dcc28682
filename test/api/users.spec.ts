import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startTestApp, type TestApp } from '../support/app.js';
import { signUp } from '../support/clients.js';

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.close());

describe('GET /users/me', () => {
  it('answers the account of the token', async () => {
    const ada = await signUp(app);
    const answer = await ada.get('/users/me');
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual(ada.user);
    expect(await ada.get('/users/me')).toMatchObject({ headers: { 'cache-status': 'taskflow; hit' } });
  });
});
