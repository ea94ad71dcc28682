import { Injectable } from '@nestjs/common';
import { TokenInvalid } from '../../core/errors/core.errors.js';
import { Leases } from '../../core/mongo/lease.repository.js';
import type { IssuedToken } from '../../core/security/one-time-tokens.js';
import type { Role } from '../../core/security/principal.js';
import { Revocations } from '../../core/security/revocations.js';
import { Clock } from '../../core/time/clock.js';
import {
  asFirstAdmin,
  deleted,
  isActiveAdmin,
  registered,
  registeredFirstAdmin,
  signedOutEverywhere,
  withPassword,
  withProfile,
  withStanding,
  type Decision,
  type NewUser,
  type ProfileChange,
  type StandingChange,
  type User,
} from './user.js';
import { UserWriter } from './user-writer.js';
import { LastAdmin } from './users.errors.js';
import type { AdminActor } from './users.events.js';
import { UsersRepository } from './users.repository.js';

/** The lease under which the number of active admins may fall, or the first one is made. */
const ADMINS = 'admins';

/** Accounts: what is decided about them, and what follows at once. */
@Injectable()
export class UsersService {
  constructor(
    private readonly users: UsersRepository,
    private readonly writer: UserWriter,
    private readonly revocations: Revocations,
    private readonly leases: Leases,
    private readonly clock: Clock,
  ) {}

  /**
   * @param verify makes the token by which the address can be confirmed; without it none is mailed
   * @throws EmailTaken also when two registrations of one address race
   */
  async register(newUser: NewUser, verify?: (userId: string) => Promise<IssuedToken | undefined>): Promise<User> {
    const id = this.users.newId();
    const verification = await verify?.(id);
    return (await this.writer.insert(registered(id, newUser, this.clock.now(), verification))).user;
  }

  findById(id: string): Promise<User | undefined> {
    return this.users.findById(id);
  }

  findByEmail(email: string): Promise<User | undefined> {
    return this.users.findByEmail(email);
  }

  /** @throws TokenInvalid when the account is gone, which a token may survive by a second in another process */
  async profile(id: string): Promise<User> {
    const user = await this.users.findById(id);
    if (!user) throw new TokenInvalid();
    return user;
  }

  /** IANA name, or `UTC`. @throws TokenInvalid when the account is gone */
  async timeZoneOf(id: string): Promise<string> {
    return (await this.profile(id)).timeZone;
  }

  updateProfile(id: string, change: ProfileChange): Promise<User> {
    return this.write(id, (user) => withProfile(user, change, this.clock.now()));
  }

  /**
   * Ending every session but `keptSessionId` is the caller's part, and again that of the event's listener.
   * @returns undefined when the password is no longer the one that `from` is the hash of
   */
  async changePassword(id: string, from: string, to: string, keptSessionId?: string): Promise<User | undefined> {
    let stale = false;
    const user = await this.write(id, (read) => {
      stale = read.passwordHash !== from;
      return stale ? undefined : withPassword(read, to, this.clock.now(), keptSessionId);
    });
    return stale ? undefined : user;
  }

  /** Raises the version and refuses every token issued so far; ending the sessions is the caller's part. */
  async raiseVersion(id: string): Promise<User> {
    return (await this.signOut(id)).user;
  }

  /** The same, by an admin. @throws UserNotFound */
  raiseVersionByAdmin(id: string, by: AdminActor): Promise<Decision> {
    return this.signOut(id, by);
  }

  /**
   * Role and status. Tokens with the old role are refused from here on; a suspended user's sessions are ended by the
   * caller, and again by the listener of `UserStandingChanged`.
   * @returns without events when it changed nothing
   * @throws UserNotFound, LastAdmin
   */
  changeByAdmin(id: string, change: StandingChange, by: AdminActor): Promise<Decision> {
    return this.leases.exclusively(ADMINS, async () => {
      const others = await this.countOtherActiveAdmins(id);
      const written = await this.writer.write(id, (read) => {
        const decision = withStanding(read, change, by, this.clock.now());
        if (decision && isActiveAdmin(read) && !isActiveAdmin(decision.user) && others === 0) throw new LastAdmin();
        return decision;
      });
      if (written.events.length > 0) await this.revocations.raiseVersion(id, written.user.version);
      return written;
    });
  }

  /**
   * Makes the first admin: a new account, or the known one with this e-mail, its password and tokens replaced.
   * @returns undefined when there is an active admin already
   */
  makeFirstAdmin(newUser: NewUser): Promise<Decision | undefined> {
    return this.leases.exclusively(ADMINS, async () => {
      if ((await this.countActiveAdmins()) > 0) return undefined;
      const known = await this.users.findByEmail(newUser.email);
      if (!known) return this.writer.insert(registeredFirstAdmin(this.users.newId(), newUser, this.clock.now()));
      const decide = (read: User): Decision => asFirstAdmin(read, newUser.passwordHash, this.clock.now());
      const written = await this.writer.write(known.id, decide);
      await this.revocations.raiseVersion(known.id, written.user.version);
      return written;
    });
  }

  /**
   * From here on nobody finds the account, its e-mail is free and its tokens are refused. Listeners remove the rest.
   * @throws UserNotFound, LastAdmin
   */
  async delete(id: string): Promise<void> {
    if (await this.erase(id, 'user')) return;
    await this.leases.exclusively(ADMINS, async () => {
      if ((await this.countOtherActiveAdmins(id)) === 0) throw new LastAdmin();
      await this.erase(id, 'admin');
    });
  }

  countActiveAdmins(): Promise<number> {
    return this.users.countActiveAdmins();
  }

  /** Without the lease only a plain user may go: whoever was made an admin meanwhile stays, and the answer is false. */
  private async erase(id: string, role: Role): Promise<boolean> {
    const allowed = (user: User): boolean => role === 'admin' || user.role === 'user';
    const decide = (user: User): Decision | undefined => (allowed(user) ? deleted(user, this.clock.now()) : undefined);
    const { user, events } = await this.writer.write(id, decide);
    if (events.length > 0) await this.revocations.raiseVersion(id, user.version);
    return events.length > 0;
  }

  private async countOtherActiveAdmins(id: string): Promise<number> {
    const [all, user] = await Promise.all([this.countActiveAdmins(), this.users.findById(id)]);
    return user && isActiveAdmin(user) ? all - 1 : all;
  }

  private async signOut(id: string, by?: AdminActor): Promise<Decision> {
    const written = await this.writer.write(id, (read) => signedOutEverywhere(read, this.clock.now(), by));
    await this.revocations.raiseVersion(id, written.user.version);
    return written;
  }

  private async write(id: string, decide: (user: User) => Decision | undefined): Promise<User> {
    return (await this.writer.write(id, decide)).user;
  }
}
