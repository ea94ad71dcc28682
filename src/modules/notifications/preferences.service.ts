import { Injectable } from '@nestjs/common';
import { WriteContended } from '../../core/errors/core.errors.js';
import { toPending } from '../../core/events/domain-event.js';
import { OutboxRelay } from '../../core/events/outbox.relay.js';
import { Clock } from '../../core/time/clock.js';
import type { Kind } from './notification.js';
import { changed, preferencesOf, type PreferenceChange, type Preferences } from './preferences.js';
import { RemindersChanged } from './preferences.events.js';
import { PreferencesRepository } from './preferences.repository.js';

const MAX_ATTEMPTS = 5;

/** How users want to be told. */
@Injectable()
export class PreferencesService {
  constructor(
    private readonly preferences: PreferencesRepository,
    private readonly relay: OutboxRelay,
    private readonly clock: Clock,
  ) {}

  async of(owner: string): Promise<Preferences> {
    return preferencesOf((await this.preferences.find(owner)).set);
  }

  /** @throws WriteContended when the race was lost five times */
  async change(owner: string, change: PreferenceChange): Promise<Preferences> {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const read = await this.preferences.find(owner);
      const set = changed(read.set, change);
      const [before, after] = [preferencesOf(read.set), preferencesOf(set)];
      const isReplanned = JSON.stringify(before.reminders) !== JSON.stringify(after.reminders);
      const events = isReplanned ? [toPending(new RemindersChanged(this.clock.now(), owner))] : [];
      if (!(await this.preferences.replace(owner, read, set, events))) continue;
      if (isReplanned) this.relay.nudge();
      return after;
    }
    throw new WriteContended();
  }

  /** No more e-mails of this kind; again is the same as once. */
  async endEmails(owner: string, kind: Kind): Promise<void> {
    await this.change(owner, { channels: { email: { [kind]: false } } });
  }
}
