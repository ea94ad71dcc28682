import { Injectable } from '@nestjs/common';
import type { Reminder } from '../../tasks/index.js';
import { PreferencesService } from '../preferences.service.js';

/** The reminders of tasks that have none of their own. */
@Injectable()
export class ReminderDefaults {
  constructor(private readonly preferences: PreferencesService) {}

  async of(owner: string): Promise<readonly Reminder[]> {
    return (await this.preferences.of(owner)).reminders;
  }
}
