import type { User } from '../users/index.js';
import type { Kind, Route } from './notification.js';
import type { Preferences } from './preferences.js';
import { afterQuiet } from './quiet-hours.js';

type Recipient = Pick<User, 'timeZone' | 'emailVerified'>;

/** A mail that somebody asked for a moment ago, or nobody could sign in any more. */
export const accountRoute = (now: Date): Route => ({ inApp: false, channels: { email: now } });

/**
 * Where a notification about a task goes.
 * @param hasPush whether any device of the user takes pushes
 */
export function routeOf(kind: Kind, user: Recipient, wants: Preferences, hasPush: boolean, now: Date): Route {
  const sendAt = afterQuiet(now, user.timeZone, wants.quietHours);
  // Whoever registers with somebody else's address could have it filled with mails.
  const email = wants.channels.email[kind] && user.emailVerified;
  const push = wants.channels.push[kind] && hasPush;
  return {
    inApp: wants.channels.inApp[kind],
    channels: { ...(email ? { email: sendAt } : {}), ...(push ? { push: sendAt } : {}) },
  };
}
