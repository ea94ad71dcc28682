/** What people hear of in the app and on the channels they choose. */
export const KINDS = ['deadline_approaching', 'overdue'] as const;
export type Kind = (typeof KINDS)[number];

/** The task that a notification is about, as it was when the notification was made. */
export interface NotifiedTask {
  readonly id: string;
  readonly title: string;
  readonly dueAt: Date;
}

/** A notification as its owner sees it. */
export interface Notification {
  /** Of the event it tells of: an event that comes twice makes one notification. */
  readonly id: string;
  readonly owner: string;
  readonly kind: Kind;
  readonly task: NotifiedTask;
  /** How long before the due date it was asked for; null when it is not about one that approaches. */
  readonly minutesBefore: number | null;
  readonly createdAt: Date;
  readonly readAt: Date | null;
}

/** Milliseconds that notifications are kept. */
export const KEPT_MS = 90 * 24 * 60 * 60 * 1000;
