import { ApiProperty } from '@nestjs/swagger';
import { REMINDERS_SCHEMA, type Reminder } from '../tasks/index.js';
import type { Preferences } from './preferences.js';
import { QUIET_HOURS_SCHEMA } from './preferences.dto.js';
import type { QuietHours } from './quiet-hours.js';

export class KindsView {
  deadline_approaching: boolean;
  overdue: boolean;
}

export class ChannelsView {
  inApp: KindsView;
  email: KindsView;
  push: KindsView;
}

export class PreferencesView {
  channels: ChannelsView;
  @ApiProperty(QUIET_HOURS_SCHEMA as never) quietHours: QuietHours | null;
  /** Of tasks that have none of their own. */
  @ApiProperty(REMINDERS_SCHEMA) reminders: readonly Reminder[];
}

export const preferencesView = ({ channels, quietHours, reminders }: Preferences): PreferencesView => ({
  channels: { inApp: channels.inApp, email: channels.email, push: channels.push },
  quietHours: quietHours && { start: quietHours.start, end: quietHours.end },
  reminders: reminders.map(({ minutesBefore }) => ({ minutesBefore })),
});
