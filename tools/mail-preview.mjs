// @ts-check
// Writes every mail with made-up contents, as text and as a page to look at: `npm run mail:preview [-- <directory>]`.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const templates = new URL('../dist/modules/notifications/templates/', import.meta.url);
/** @type {typeof import('../src/modules/notifications/templates/task-mails.js')} */
const { deadlineApproaching, overdue } = await import(new URL('task-mails.js', templates).href);
/** @type {typeof import('../src/modules/notifications/templates/account-mails.js')} */
const { emailVerification, passwordReset } = await import(new URL('account-mails.js', templates).href);

const about = {
  id: '0192f0c1-2b7e-7c55-9d3a-6f2f8d0e4b11',
  owner: '6b0216f324c3e0ab15fce8d6',
  createdAt: new Date('2026-12-23T17:00:00Z'),
  task: {
    id: '6b0216f324c3e0ab15fce8d7',
    title: 'Wrap & send <the presents>',
    dueAt: new Date('2026-12-24T17:00:00Z'),
  },
};
const appUrl = 'https://app.example.com';
const context = {
  timeZone: 'Europe/Berlin',
  locale: 'en-GB',
  taskUrl: `${appUrl}/tasks/${about.task.id}`,
  unsubscribeUrl: 'https://api.example.com/api/v1/notifications/unsubscribe?token=…',
};
const token = 'the-token-of-this-mail';

const mails = {
  'deadline-approaching': deadlineApproaching({ ...about, kind: 'deadline_approaching', minutesBefore: 1440 }, context),
  overdue: overdue({ ...about, kind: 'overdue', minutesBefore: null }, context),
  'password-reset': passwordReset({ token, appUrl }),
  'password-reset-without-front-end': passwordReset({ token }),
  'email-verification': emailVerification({ token, appUrl }),
};

const directory = resolve(process.argv[2] ?? '.data/mail-preview');
mkdirSync(directory, { recursive: true });
for (const [name, { subject, text, html }] of Object.entries(mails)) {
  writeFileSync(join(directory, `${name}.txt`), `Subject: ${subject}\n\n${text}`);
  writeFileSync(join(directory, `${name}.html`), html);
  console.log(`${subject}\n  ${pathToFileURL(join(directory, `${name}.html`)).href}`);
}
