import {
  deleted,
  emailKey,
  PURGE_AGAIN_MS,
  registered,
  searchTerms,
  signedOutEverywhere,
  withConfirmedEmail,
  withMailedToken,
  withPassword,
  withProfile,
  withReset,
  withStanding,
  type User,
} from './user.js';

const born = new Date('2026-01-01T00:00:00.000Z');
const now = new Date('2026-02-01T00:00:00.000Z');
const id = '0123456789abcdef01234567';
const ada: User = registered(id, { email: 'Ada@Example.org', name: 'Ada', passwordHash: 'hash' }, born).user;
const by = { id: 'an-admin', ip: '192.0.2.1' };

describe('a new user', () => {
  it('is active, plain, and tells that it registered', () => {
    const { user, events } = registered(id, { email: 'a@b.org', name: 'Ada', passwordHash: 'hash' }, born);
    expect(user).toMatchObject({
      role: 'user',
      status: 'active',
      version: 1,
      timeZone: 'UTC',
      locale: 'en',
      createdAt: born,
    });
    expect(events).toMatchObject([{ name: 'user.registered', facts: { userId: id } }]);
  });
});

describe('a change', () => {
  it('raises the version, stamps the time and tells of it', () => {
    const decision = withProfile(ada, { name: 'Ada King' }, now)!;
    expect(decision.user).toEqual({ ...ada, name: 'Ada King', version: 2, updatedAt: now });
    expect(decision.events).toMatchObject([{ name: 'user.profile_changed', at: now }]);
  });

  it('is none when everything stays as it is', () => {
    expect(withProfile(ada, { name: 'Ada', locale: 'en' }, now)).toBeUndefined();
    expect(withStanding(ada, { role: 'user', status: 'active' }, by, now)).toBeUndefined();
  });

  it('of the password names the session that stays', () => {
    const { user, events } = withPassword(ada, 'new hash', now, 'a-session');
    expect(user.passwordHash).toBe('new hash');
    expect(events[0]!.facts).toEqual({ userId: id, keptSessionId: 'a-session' });
  });

  it('of role or status tells who did it, before and after', () => {
    const { user, events } = withStanding(ada, { status: 'suspended' }, by, now)!;
    expect(user).toMatchObject({ status: 'suspended', role: 'user', version: 2 });
    expect(events[0]!.facts).toEqual({
      userId: id,
      version: 2,
      by,
      before: { role: 'user', status: 'active' },
      after: { role: 'user', status: 'suspended' },
    });
  });

  it('of nothing but the version signs out everywhere', () => {
    const { user, events } = signedOutEverywhere(ada, now);
    expect(user).toEqual({ ...ada, version: 2, updatedAt: now });
    expect(events[0]!.facts).toMatchObject({ version: 2 });
  });
});

describe('a deleted user', () => {
  const { user, events } = deleted({ ...ada, timeZone: 'Europe/London', locale: 'en-GB' }, now);

  it('keeps nothing personal', () => {
    expect(user).toMatchObject({ id, status: 'deleted', version: 2, email: '', name: '', passwordHash: '' });
    expect(JSON.stringify([user, events])).not.toMatch(/ada|london|hash"?:"h|en-GB/i);
  });

  it('is purged at once, and again after the longest request', () => {
    expect(events.map(({ name }) => name)).toEqual(['user.deleted', 'user.purge_due']);
    expect(events.map(({ notBefore }) => notBefore)).toEqual([now, new Date(now.getTime() + PURGE_AGAIN_MS)]);
  });
});

describe('the e-mail as a key', () => {
  it.each([
    ['Ada@Example.ORG', 'ada@example.org'],
    ['J\u00dcRGEN@example.org', 'ju\u0308rgen@example.org'],
  ])('is the same for %s and %s', (one, other) => {
    expect(emailKey(one)).toBe(emailKey(other));
  });

  it('keeps accents: they are another address', () => {
    expect(emailKey('jürgen@example.org')).not.toBe(emailKey('jurgen@example.org'));
  });
});

it('searches the words of e-mail and name', () => {
  expect(searchTerms({ email: 'ada.king@example.org', name: 'Ada Lovelacé' })).toEqual([
    'ada',
    'king',
    'example',
    'org',
    'lovelace',
  ]);
});

describe('a token that is mailed', () => {
  const issued = { id: 'its id', hash: 'its hash' };
  const asked = withMailedToken(ada, 'reset_password', issued, now);
  const later = (ms: number): Date => new Date(now.getTime() + ms);

  it('is kept as its hash for 30 minutes; the event names its id, and the rest of the account stays as it is', () => {
    expect(asked.user).toEqual({
      ...ada,
      version: 2,
      mailedTokens: [{ purpose: 'reset_password', hash: 'its hash', expiresAt: later(30 * 60_000) }],
    });
    expect(asked.events).toMatchObject([
      { name: 'user.password_reset_requested', facts: { userId: id, tokenId: 'its id' } },
    ]);
  });

  it('leaves those before it that are still good', () => {
    const twice = withMailedToken(asked.user, 'verify_email', { id: '2', hash: 'two' }, later(30 * 60_000 - 1));
    expect(twice.user.mailedTokens.map(({ hash }) => hash)).toEqual(['its hash', 'two']);
    const afterwards = withMailedToken(twice.user, 'verify_email', { id: '3', hash: 'three' }, later(30 * 60_000));
    expect(afterwards.user.mailedTokens.map(({ hash }) => hash)).toEqual(['two', 'three']);
  });

  it('sets a password until its last millisecond, tells that every session is over, and is gone', () => {
    const reset = withReset(asked.user, 'its hash', 'new hash', later(30 * 60_000 - 1))!;
    expect(reset.user).toMatchObject({ passwordHash: 'new hash', version: 3, mailedTokens: [] });
    expect(reset.events).toMatchObject([
      { name: 'user.password_changed' },
      { name: 'user.signed_out_everywhere', facts: { userId: id, version: 3 } },
    ]);
    expect(withReset(asked.user, 'its hash', 'new hash', later(30 * 60_000))).toBeUndefined();
    expect(withReset(reset.user, 'its hash', 'newer hash', now)).toBeUndefined();
  });

  it('is good for nothing else, not for a suspended account, and not after another new password', () => {
    expect(withConfirmedEmail(asked.user, 'its hash', now)).toBeUndefined();
    expect(withReset(asked.user, 'another hash', 'new hash', now)).toBeUndefined();
    expect(withReset({ ...asked.user, status: 'suspended' }, 'its hash', 'new hash', now)).toBeUndefined();
    expect(withPassword(asked.user, 'new hash', now).user.mailedTokens).toEqual([]);
    expect(deleted(asked.user, now).user.mailedTokens).toEqual([]);
  });

  it('to confirm the address belongs to a registration, whose version is still the first', () => {
    const newcomer = registered(id, { email: 'a@b.org', name: 'Ada', passwordHash: 'hash' }, now, issued);
    expect(newcomer.user.version).toBe(1);
    expect(newcomer.events.map(({ name }) => name)).toEqual(['user.registered', 'user.email_verification_requested']);
    const confirmed = withConfirmedEmail(newcomer.user, 'its hash', now)!;
    expect(confirmed.user).toMatchObject({ emailVerified: true, mailedTokens: [], version: 2 });
    expect(withReset(newcomer.user, 'its hash', 'new hash', now)).toBeUndefined();
  });
});
