const SECRET_FIELD = /pass(word)?|secret|token|authorization|cookie|api.?key|credential|dsn/i;
// Anybody can have a path of 16 KiB logged, so a text must not be searched anew from each of its characters: a token and
// an address begin where their alphabet does, and a URI is found by what follows its scheme.
const BEARER_OR_JWT = /\bBearer\s+\S+|(?<![\w-])eyJ[\w-]+\.[\w-]+\.[\w-]*/g;
/** A refresh token, or one from a mail: a user's id, what it names, and what proves it. */
const TOKEN_OF_USER = /(?<![\w.-])[\da-f]{24}\.[\w-]{20,}\.[\w-]{40,}/g;
/** A DSN has a key and no password. */
const URI_CREDENTIALS = /:\/\/[^\s/@]*@/g;
const BORDER = '\\s@"<>(),:;=&?/\\[\\]\\\\';
const E_MAIL = new RegExp(`(?<![^${BORDER}])[^${BORDER}]{1,64}?(?:@|%40)[^${BORDER}']{1,253}`, 'gi');
const MAX_DEPTH = 6;

/** Names come from the program, apart from few: what was decided about most of them is kept. */
const decided = new Map<string, boolean>();
const MAX_DECIDED = 500;

export function isSecretField(name: string): boolean {
  const known = decided.get(name);
  if (known !== undefined) return known;
  const isSecret = SECRET_FIELD.test(name);
  if (decided.size < MAX_DECIDED) decided.set(name, isSecret);
  return isSecret;
}

/**
 * Blanks what must never leave the process: fields named like secrets, and inside texts tokens, credentials of URIs and
 * e-mail addresses.
 */
export function redact(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return redactText(value);
  if (typeof value === 'bigint') return String(value);
  if (typeof value !== 'object' || value === null || value instanceof Date) return value;
  // What is not looked at is not logged either.
  if (depth > MAX_DEPTH) return '[too deep]';
  if (Array.isArray(value)) return value.map((item) => redact(item, depth + 1));
  const fields = value instanceof Error ? { ...value, name: value.name, message: value.message } : value;
  return Object.fromEntries(
    Object.entries(fields).map(([key, item]) => [
      key,
      item && isSecretField(key) ? '[redacted]' : redact(item, depth + 1),
    ]),
  );
}

/** @returns the text without tokens, credentials of URIs and e-mail addresses */
export function redactText(text: string): string {
  const withoutTokens = text.replace(BEARER_OR_JWT, '[redacted]').replace(TOKEN_OF_USER, '[redacted]');
  if (!withoutTokens.includes('@') && !withoutTokens.includes('%40')) return withoutTokens;
  return withoutTokens.replace(URI_CREDENTIALS, '://[redacted]@').replace(E_MAIL, '[redacted]');
}
