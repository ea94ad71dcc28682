import { Injectable, type OnModuleInit } from '@nestjs/common';
import { EventBus } from '../../core/events/event-bus.js';
import { DatabaseReadiness } from '../../core/mongo/database-readiness.js';
import { Revocations } from '../../core/security/revocations.js';
import { UserDeleted, UserSignedOutEverywhere, UserStandingChanged } from './users.events.js';
import { UsersRepository } from './users.repository.js';

/** Refuses the tokens of whom the write left behind: the service does so at once, unless the process died in between. */
@Injectable()
export class UsersListener implements OnModuleInit {
  constructor(
    private readonly bus: EventBus,
    private readonly readiness: DatabaseReadiness,
    private readonly users: UsersRepository,
    private readonly revocations: Revocations,
  ) {}

  onModuleInit(): void {
    for (const type of [UserDeleted, UserSignedOutEverywhere, UserStandingChanged] as const) {
      this.bus.on<UserDeleted | UserSignedOutEverywhere | UserStandingChanged>('users', type, ({ userId, version }) =>
        this.revocations.raiseVersion(userId, version),
      );
    }
    // A deletion that a crash interrupted does not wait for the relay: the process is not ready before this is done.
    this.readiness.onFirstContact('refuse the tokens of deleted users', async () => {
      for (const { id, version } of await this.users.listDeleted()) await this.revocations.raiseVersion(id, version);
    });
  }
}
