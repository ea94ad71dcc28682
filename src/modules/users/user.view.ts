import type { User } from './user.js';

/** An account as its owner and the admins see it. */
export class UserView {
  /** @example '65f1c0ffee0ddba11ca7f00d' */
  id: string;
  /** @example 'ada@example.org' */
  email: string;
  /** @example 'Ada Lovelace' */
  name: string;
  role: 'user' | 'admin';
  status: 'active' | 'suspended';
  /** Whether the address was confirmed. */
  emailVerified: boolean;
  /**
   * IANA time zone in which the days of task statistics begin.
   * @example 'Europe/Berlin'
   */
  timeZone: string;
  /**
   * BCP 47 language tag.
   * @example 'en'
   */
  locale: string;
  createdAt: Date;
  updatedAt: Date;
}

export function userView(user: User): UserView {
  const { id, email, name, role, status, emailVerified, timeZone, locale, createdAt, updatedAt } = user;
  return {
    id,
    email,
    name,
    role,
    status: status === 'suspended' ? 'suspended' : 'active',
    emailVerified,
    timeZone,
    locale,
    createdAt,
    updatedAt,
  };
}
