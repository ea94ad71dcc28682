/** What a mail says, in both of its forms. */
export interface MailText {
  readonly subject: string;
  readonly text: string;
  readonly html: string;
}

export interface MailParts {
  readonly subject: string;
  /** Paragraphs. */
  readonly lines: readonly string[];
  /** A button, or the address in the text. */
  readonly link?: { readonly label: string; readonly url: string };
  /** Shown as it is, to be copied. */
  readonly code?: string;
  /** Below the line: why this came. */
  readonly why: string;
  readonly unsubscribeUrl?: string;
}

/** One look for all mails. Styles are inline, and nothing is loaded: mail programs drop or block anything else. */
export function layout({ subject, lines, link, code, why, unsubscribeUrl }: MailParts): MailText {
  const line = oneLine(subject);
  const text = [
    ...lines,
    ...(link ? [`${link.label}: ${link.url}`] : []),
    ...(code ? [code] : []),
    ['--', why, ...(unsubscribeUrl ? [`No more of these: ${unsubscribeUrl}`] : [])].join('\n'),
  ].join('\n\n');
  const body = [
    ...lines.map((paragraph) => `<p>${escaped(paragraph)}</p>`),
    ...(link ? [`<p><a style="${BUTTON}" href="${escaped(link.url)}">${escaped(link.label)}</a></p>`] : []),
    ...(code ? [`<p><code style="word-break:break-all">${escaped(code)}</code></p>`] : []),
  ];
  const end = unsubscribeUrl ? ` <a href="${escaped(unsubscribeUrl)}">No more of these</a>` : '';
  const html = `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>${escaped(line)}</title></head>
<body style="${PAGE}">
${body.join('\n')}
<p style="${SMALL}">${escaped(why)}${end}</p>
</body>
</html>
`;
  return { subject: line, text: `${text}\n`, html };
}

const PAGE =
  'font-family:system-ui,sans-serif;line-height:1.5;color:#1f2933;max-width:36rem;margin:2rem auto;padding:0 1rem';
const BUTTON =
  'display:inline-block;padding:.6rem 1.2rem;border-radius:.4rem;background:#2457d6;color:#ffffff;text-decoration:none';
const SMALL = 'margin-top:2rem;border-top:1px solid #d5dbe3;padding-top:1rem;font-size:.85rem;color:#52606d';

export const escaped = (text: string): string =>
  text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');

/** A title may have line breaks; a subject may not. */
export const oneLine = (text: string): string => text.replaceAll(/[\p{Cc}\s]+/gu, ' ').trim();
