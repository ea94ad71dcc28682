import type { Kind } from '../notification.js';

const ABOUT: Readonly<Record<Kind, string>> = {
  deadline_approaching: 'e-mails before a task is due',
  overdue: 'e-mails about overdue tasks',
};

/** The question behind a link in a mail. */
export const unsubscribing = (kind: Kind): string =>
  page(
    'Unsubscribe',
    `<p>Do you want no more ${ABOUT[kind]}?</p>\n<form method="post"><button>Unsubscribe</button></form>`,
  );

/** The answer. */
export const unsubscribed = (kind: Kind): string =>
  page('Unsubscribed', `<p>You get no more ${ABOUT[kind]}. In your settings you can change that again.</p>`);

const page = (title: string, body: string): string => `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${title}</title></head>
<body style="font-family:system-ui,sans-serif;max-width:36rem;margin:3rem auto;padding:0 1rem">
<h1>${title}</h1>
${body}
</body>
</html>
`;
