import { DateTime } from 'luxon';
import type { TaskNotification } from '../notification.js';
import { layout, oneLine, type MailText } from './layout.js';

/** What the mails about a task need to know besides the notification. */
export interface TaskMailContext {
  /** IANA name, or `UTC`. */
  readonly timeZone: string;
  /** BCP 47. */
  readonly locale: string;
  /** Where the task can be seen. */
  readonly taskUrl?: string;
  readonly unsubscribeUrl: string;
}

const WHY = 'You get this because you want to be reminded of your tasks.';

/** Before the due date. */
export function deadlineApproaching({ task, minutesBefore }: TaskNotification, context: TaskMailContext): MailText {
  const title = oneLine(task.title);
  return layout({
    subject: `Due ${inWords(minutesBefore ?? 0)}: ${title}`,
    lines: [`“${title}” is due on ${dueText(task.dueAt, context)}.`],
    ...footer(context),
  });
}

/** After it. */
export function overdue({ task }: TaskNotification, context: TaskMailContext): MailText {
  const title = oneLine(task.title);
  return layout({
    subject: `Overdue: ${title}`,
    lines: [`“${title}” was due on ${dueText(task.dueAt, context)} and is still open.`],
    ...footer(context),
  });
}

const footer = ({ taskUrl, unsubscribeUrl }: TaskMailContext) => ({
  ...(taskUrl ? { link: { label: 'Open the task', url: taskUrl } } : {}),
  why: WHY,
  unsubscribeUrl,
});

/** As English in the user's country writes it: the rest of the mail is English, too. */
export function dueText(dueAt: Date, { timeZone, locale }: Pick<TaskMailContext, 'timeZone' | 'locale'>): string {
  const english = locale.startsWith('en') ? locale : 'en-GB';
  const local = DateTime.fromJSDate(dueAt, { zone: timeZone }).setLocale(english);
  const date = local.toLocaleString({ weekday: 'long', day: 'numeric', month: 'long', year: 'numeric' });
  return `${date} at ${local.toLocaleString(DateTime.TIME_SIMPLE)} (${timeZone})`;
}

/** In the largest unit of which it is a whole number. */
export function inWords(minutes: number): string {
  if (minutes === 0) return 'now';
  const [count, unit] =
    minutes % 1440 === 0 ? [minutes / 1440, 'day'] : minutes % 60 === 0 ? [minutes / 60, 'hour'] : [minutes, 'minute'];
  return `in ${count} ${unit}${count === 1 ? '' : 's'}`;
}
