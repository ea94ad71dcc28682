import { Injectable } from '@nestjs/common';
import { CacheStore } from '../../core/cache/cache.store.js';
import { TokenInvalid, WriteContended } from '../../core/errors/core.errors.js';
import { OutboxRelay } from '../../core/events/outbox.relay.js';
import { Leases } from '../../core/mongo/lease.repository.js';
import { Revocations } from '../../core/security/revocations.js';
import { Clock } from '../../core/time/clock.js';
import {
  asFirstAdmin,
  deleted,
  isActiveAdmin,
  registered,
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
import { LastAdmin, UserNotFound } from './users.errors.js';
import type { AdminActor } from './users.events.js';
import { UsersRepository } from './users.repository.js';

const MAX_ATTEMPTS = 5;
/** The lease under which the number of active admins may fall, or the first one is made. */
const ADMINS = 'admins';

/** Accounts. Every write is read → decide (`user.ts`) → one conditional write with its event, repeated on a lost race. */
@Injectable()
export class UsersService {
  constructor(
    private readonly users: UsersRepository,
    private readonly cache: CacheStore,
    private readonly revocations: Revocations,
    private readonly leases: Leases,
    private readonly relay: OutboxRelay,
    private readonly clock: Clock,
  ) {}

  /** @throws EmailTaken also when two registrations of one address race */
  async register(newUser: NewUser): Promise<User> {
    const decision = registered(this.users.newId(), newUser, this.clock.now());
    await this.users.insert(decision);
    this.relay.nudge();
    return decision.user;
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

  /** Undefined when the password is no longer the one that `from` is the hash of. */
  async changePassword(id: string, from: string, to: string): Promise<User | undefined> {
    let stale = false;
    const user = await this.write(id, (read) => {
      stale = read.passwordHash !== from;
      return stale ? undefined : withPassword(read, to, this.clock.now());
    });
    return stale ? undefined : user;
  }

  /** Raises the version and refuses every token issued so far; ending the sessions is the caller's part. */
  async raiseVersion(id: string, by?: AdminActor): Promise<User> {
    const user = await this.write(id, (read) => signedOutEverywhere(read, this.clock.now(), by));
    await this.revocations.raiseVersion(user.id, user.version);
    return user;
  }

  /**
   * Role and status. Tokens with the old role are refused from here on; a suspended user's sessions are ended by the
   * caller, and again by the listener of `UserStandingChanged`.
   * @throws UserNotFound, LastAdmin
   */
  changeByAdmin(id: string, change: StandingChange, by: AdminActor): Promise<User> {
    return this.leases.exclusively(ADMINS, async () => {
      const others = await this.countOtherActiveAdmins(id);
      let changed = false;
      const user = await this.write(id, (read) => {
        const decision = withStanding(read, change, by, this.clock.now());
        changed = decision !== undefined;
        if (decision && isActiveAdmin(read) && !isActiveAdmin(decision.user) && others === 0) throw new LastAdmin();
        return decision;
      });
      if (changed) await this.revocations.raiseVersion(user.id, user.version);
      return user;
    });
  }

  /**
   * Makes the first admin: a new account, or the known one with this e-mail, its password and tokens replaced.
   * @returns undefined when there is an active admin already
   */
  makeFirstAdmin({ email, name, passwordHash }: NewUser): Promise<User | undefined> {
    return this.leases.exclusively(ADMINS, async () => {
      if ((await this.countActiveAdmins()) > 0) return undefined;
      const known = await this.users.findByEmail(email);
      if (!known) return this.register({ email, name, passwordHash, role: 'admin' });
      const user = await this.write(known.id, (read) => asFirstAdmin(read, passwordHash, this.clock.now()));
      await this.revocations.raiseVersion(user.id, user.version);
      return user;
    });
  }

  /**
   * From here on nobody finds the account, its e-mail is free and its tokens are refused. Listeners remove the rest.
   * @throws UserNotFound, LastAdmin
   */
  async delete(id: string): Promise<void> {
    const known = await this.users.findById(id);
    if (known?.role !== 'admin') return this.erase(id);
    await this.leases.exclusively(ADMINS, async () => {
      if ((await this.countOtherActiveAdmins(id)) === 0) throw new LastAdmin();
      await this.erase(id);
    });
  }

  countActiveAdmins(): Promise<number> {
    return this.users.count({ status: 'active', role: 'admin' });
  }

  private async erase(id: string): Promise<void> {
    const { version } = await this.write(id, (user) => deleted(user, this.clock.now()));
    await this.revocations.raiseVersion(id, version);
  }

  private async countOtherActiveAdmins(id: string): Promise<number> {
    const [all, user] = await Promise.all([this.countActiveAdmins(), this.users.findById(id)]);
    return user && isActiveAdmin(user) ? all - 1 : all;
  }

  /** @throws UserNotFound; WriteContended when the race was lost five times */
  private async write(id: string, decide: (user: User) => Decision | undefined): Promise<User> {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const read = await this.users.findById(id);
      if (!read) throw new UserNotFound();
      const decision = decide(read);
      if (!decision) return read;
      if (!(await this.users.replace(read, decision))) continue;
      this.relay.nudge();
      await this.cache.forget(id);
      return decision.user;
    }
    throw new WriteContended();
  }
}
