import { errorCatalogue } from '../errors/domain-error.js';
import { statusOfKind } from '../errors/problem.js';

/** The page that the `type` of every problem points to. */
export function errorsPage(): string {
  const rows = [...errorCatalogue.values()]
    .sort((a, b) => (a.code < b.code ? -1 : 1))
    .map(
      ({ code, kind, title }) =>
        `<tr id="${code}"><td><code>${code}</code></td><td>${statusOfKind[kind]}</td><td>${title}</td></tr>`,
    )
    .join('\n');
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>TaskFlow errors</title></head>
<body>
<h1>TaskFlow errors</h1>
<p>Every error is <code>application/problem+json</code> (RFC 9457); its <code>code</code> never changes its meaning.</p>
<table>
<tr><th>code</th><th>status</th><th>meaning</th></tr>
${rows}
</table>
</body>
</html>
`;
}
