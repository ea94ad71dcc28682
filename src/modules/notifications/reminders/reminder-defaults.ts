import { Injectable } from '@nestjs/common';
import type { Reminder } from '../../tasks/index.js';
import { DEFAULT_REMINDERS } from './reminder.js';

/** The reminders of tasks that have none of their own. */
@Injectable()
export class ReminderDefaults {
  of(_owner: string): Promise<readonly Reminder[]> {
    return Promise.resolve(DEFAULT_REMINDERS);
  }
}
