import { fromPending, toPending } from '../../core/events/domain-event.js';
import { BOOTSTRAP, UserSignedOutEverywhere, UserStandingChanged } from '../users/index.js';
import { auditEntry } from './audit.js';

const at = new Date('2026-03-01T09:00:00Z');
const user = { role: 'user', status: 'active' } as const;
const admin = { role: 'admin', status: 'active' } as const;
const by = { id: 'the admin', ip: '192.0.2.7' };

describe('auditEntry', () => {
  it('takes id, time, actor, target, address and both standings from the event', () => {
    const event = new UserStandingChanged(at, 'the user', 2, by, user, admin);
    expect(auditEntry(event)).toEqual({
      id: event.eventId,
      at,
      actor: 'the admin',
      action: 'user.changed',
      target: 'the user',
      ip: '192.0.2.7',
      before: user,
      after: admin,
    });
  });

  it('names nobody where the program itself made the first admin', () => {
    const event = new UserStandingChanged(at, 'the user', 1, BOOTSTRAP, null, admin);
    expect(auditEntry(event)).toMatchObject({ actor: null, action: 'admin.bootstrapped', ip: null, before: null });
  });

  it('has nothing to compare where an admin ended the sessions', () => {
    const event = new UserSignedOutEverywhere(at, 'the user', 2, by);
    expect(auditEntry(event)).toMatchObject({ action: 'user.sessions_revoked', before: null, after: null });
  });

  it('leaves out what users do themselves', () => {
    expect(auditEntry(new UserSignedOutEverywhere(at, 'the user', 2))).toBeUndefined();
  });

  it('is the same for an event that was stored and read again', () => {
    const event = new UserStandingChanged(at, 'the user', 2, by, user, admin);
    expect(auditEntry(fromPending(UserStandingChanged, toPending(event)))).toEqual(auditEntry(event));
  });
});
