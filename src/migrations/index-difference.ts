import type { Connection, Schema } from 'mongoose';
import { deadLetterSchema } from '../core/events/dead-letter.schema.js';
import { eventSchema } from '../core/events/event.schema.js';
import { leaseSchema } from '../core/mongo/lease.schema.js';
import { rateLimitSchema } from '../core/rate-limit/rate-limit.schema.js';
import { revocationSchema } from '../core/security/revocation.schema.js';
import { auditSchema } from '../modules/admin/audit.schema.js';
import { sessionLedgerSchema } from '../modules/auth/session-ledger.schema.js';
import { sessionSchema } from '../modules/auth/session.schema.js';
import { notificationSchema } from '../modules/notifications/notification.schema.js';
import { preferencesSchema } from '../modules/notifications/preferences.schema.js';
import { pushSubscriptionSchema } from '../modules/notifications/push/push-subscription.schema.js';
import { reminderSchema } from '../modules/notifications/reminders/reminder.schema.js';
import { taskSchema } from '../modules/tasks/task.schema.js';
import { userSchema } from '../modules/users/user.schema.js';

/** Of every collection. A test compares it with the models of the running application. */
export const SCHEMAS: readonly Schema[] = [
  userSchema,
  taskSchema,
  sessionSchema,
  sessionLedgerSchema,
  revocationSchema,
  rateLimitSchema,
  auditSchema,
  notificationSchema,
  preferencesSchema,
  pushSubscriptionSchema,
  reminderSchema,
  eventSchema,
  deadLetterSchema,
  leaseSchema,
];

/**
 * One line for each index that a schema declares and the database lacks, or the other way round. What a shard key
 * needs (deploy/mongo) is no difference.
 */
export async function indexDifference(connection: Connection): Promise<string[]> {
  const lines: string[] = [];
  for (const schema of SCHEMAS) {
    const collection = schema.get('collection')!;
    const { toCreate, toDrop } = await connection
      .model(collection, schema)
      .diffIndexes({ indexOptionsToCreate: false });
    for (const key of toCreate) lines.push(`missing   ${collection} ${JSON.stringify(key)}`);
    for (const name of toDrop as string[]) {
      if (!name.endsWith('_hashed')) lines.push(`obsolete  ${collection} ${name}`);
    }
  }
  return lines;
}
