import { Injectable } from '@nestjs/common';
import { CacheStore } from '../../core/cache/cache.store.js';
import { WriteContended } from '../../core/errors/core.errors.js';
import { OutboxRelay } from '../../core/events/outbox.relay.js';
import type { Decision, User } from './user.js';
import { UserNotFound } from './users.errors.js';
import { UsersRepository } from './users.repository.js';

const MAX_ATTEMPTS = 5;

/** Writes one user: read → decide (`user.ts`) → one conditional write with its events, repeated on a lost race. */
@Injectable()
export class UserWriter {
  constructor(
    private readonly users: UsersRepository,
    private readonly cache: CacheStore,
    private readonly relay: OutboxRelay,
  ) {}

  /** @throws EmailTaken */
  async insert(decision: Decision): Promise<Decision> {
    await this.users.insert(decision);
    this.relay.nudge();
    return decision;
  }

  /**
   * @param decide undefined changes nothing
   * @returns without events when nothing was changed
   * @throws UserNotFound; WriteContended when the race was lost five times
   */
  async write(id: string, decide: (user: User) => Decision | undefined): Promise<Decision> {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const read = await this.users.findById(id);
      if (!read) throw new UserNotFound();
      const decision = decide(read);
      if (!decision) return { user: read, events: [] };
      if (!(await this.users.replace(read, decision))) continue;
      this.relay.nudge();
      await this.cache.forget(id);
      return decision;
    }
    throw new WriteContended();
  }
}
