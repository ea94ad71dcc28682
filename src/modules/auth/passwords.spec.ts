import { setImmediate as nextTurn } from 'node:timers/promises';
import { Passwords } from './passwords.js';

describe('Passwords', () => {
  const passwords = new Passwords();

  it('hashes with argon2id and the parameters of the OWASP cheat sheet', async () => {
    expect(await passwords.hash('correct horse')).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
  });

  it('salts: one password has many hashes, and each matches', async () => {
    const [first, second] = await Promise.all([passwords.hash('correct horse'), passwords.hash('correct horse')]);
    expect(first).not.toBe(second);
    expect(await passwords.matches('correct horse', first)).toBe(true);
    expect(await passwords.matches('correct horse', second)).toBe(true);
  });

  it('tells another password, another case and a longer one apart', async () => {
    const hash = await passwords.hash('correct horse');
    for (const other of ['Correct horse', 'correct horse ', 'battery staple']) {
      expect(await passwords.matches(other, hash)).toBe(false);
    }
  });

  it('takes composed and decomposed accents for the same', async () => {
    const hash = await passwords.hash('caf\u00e9 au lait');
    expect(await passwords.matches('cafe\u0301 au lait', hash)).toBe(true);
  });

  it.each([undefined, ''])('matches nothing where there is no hash (%p), and takes its time', async (none) => {
    const real = await passwords.hash('correct horse');
    const time = async (hash: string | undefined): Promise<number> => {
      const begun = performance.now();
      expect(await passwords.matches('wrong horse', hash)).toBe(false);
      return performance.now() - begun;
    };
    const shortest = async (hash: string | undefined): Promise<number> =>
      Math.min(await time(hash), await time(hash), await time(hash));
    expect((await shortest(none)) / (await shortest(real))).toBeGreaterThan(0.5);
  });

  it('hands out four together while more wait, and the rest when nobody does', async () => {
    let settled = 0;
    const hashed = async (): Promise<void> => {
      await passwords.hash('correct horse');
      settled++;
    };
    const all = Array.from({ length: 6 }, hashed);
    await Promise.race(all);
    await nextTurn();
    expect(settled).toBe(4);
    await Promise.all(all);
  });

  it('hands out the failure of one to that one', async () => {
    const [bad, good] = await Promise.allSettled([
      passwords.matches('correct horse', 'no hash at all'),
      passwords.hash('correct horse'),
    ]);
    expect(bad.status).toBe('rejected');
    expect(good).toMatchObject({ status: 'fulfilled', value: expect.stringMatching(/^\$argon2id/) });
  });

  it('refuses when too many wait, instead of letting all of them wait longer', async () => {
    const crowd = await Promise.allSettled(Array.from({ length: 60 }, () => passwords.hash('correct horse')));
    const refused = crowd.filter((one): one is PromiseRejectedResult => one.status === 'rejected');
    expect(refused.length).toBeGreaterThan(0);
    expect(refused.length).toBeLessThan(12);
    expect(refused[0]!.reason).toMatchObject({ code: 'server.overloaded', options: { retryAfterSeconds: 2 } });
    expect(await passwords.hash('correct horse')).toMatch(/^\$argon2id/);
  });
});
