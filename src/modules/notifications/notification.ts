/** What people hear of in the app and on the channels they choose. */
export const KINDS = ['deadline_approaching', 'overdue'] as const;
export type Kind = (typeof KINDS)[number];

/** What only goes to an address, whatever its owner prefers: they asked for it a moment ago. */
export type AccountKind = 'password_reset' | 'email_verification';

/** How somebody is told who is not in the app. */
export const CHANNELS = ['email', 'push'] as const;
export type Channel = (typeof CHANNELS)[number];

/** The task that a notification is about, as it was when the notification was made. */
export interface NotifiedTask {
  readonly id: string;
  readonly title: string;
  readonly dueAt: Date;
}

interface Told {
  /** Of the event it tells of: an event that comes twice makes one notification. */
  readonly id: string;
  readonly owner: string;
  readonly createdAt: Date;
}

/** About a task: what the app shows. */
export interface TaskNotification extends Told {
  readonly kind: Kind;
  readonly task: NotifiedTask;
  /** How long before the due date it was asked for; null when it is not about one that approaches. */
  readonly minutesBefore: number | null;
}

/** About the account: a mail with a token, which is derived from this id when it is sent. */
export interface AccountNotification extends Told {
  readonly kind: AccountKind;
  readonly tokenId: string;
}

export type Notification = TaskNotification | AccountNotification;

/** A task notification as its owner sees it in the app. */
export interface ShownNotification extends TaskNotification {
  readonly readAt: Date | null;
}

export const isAboutTask = (notification: Notification): notification is TaskNotification => 'task' in notification;

/** Milliseconds that notifications are kept. */
export const KEPT_MS = 90 * 24 * 60 * 60 * 1000;

/** Where a notification goes: into the app, and from when on to each channel. */
export interface Route {
  readonly inApp: boolean;
  readonly channels: Readonly<Partial<Record<Channel, Date>>>;
}
