import type { Migration } from '../core/mongo/migration.js';
import { initialIndexes } from './0001-initial-indexes.js';
import { eventDeliveries } from './0002-event-deliveries.js';
import { notifications } from './0003-notifications.js';
import { eventLog } from './0004-event-log.js';
import { reminders } from './0005-reminders.js';
import { notificationChannels } from './0006-notification-channels.js';

/** In order. One that a release has shipped is never changed, moved or removed: a later one corrects it. */
export const MIGRATIONS: readonly Migration[] = [
  initialIndexes,
  eventDeliveries,
  notifications,
  eventLog,
  reminders,
  notificationChannels,
];
