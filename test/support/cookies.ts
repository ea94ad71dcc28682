import type { Response } from 'supertest';

/** A cookie as an answer sets it: value, and attributes in lower case. */
export interface SetCookie {
  readonly name: string;
  readonly value: string;
  readonly attributes: Readonly<Record<string, string | true>>;
}

export function cookiesOf(answer: Response): SetCookie[] {
  const fields = (answer.headers['set-cookie'] ?? []) as unknown as string[];
  return fields.map((field) => {
    const [pair = '', ...attributes] = field.split('; ');
    const [name = '', value = ''] = pair.split('=', 2);
    const named = attributes.map((attribute) => {
      const [key = '', text] = attribute.split('=', 2);
      return [key.toLowerCase(), text ?? true] as const;
    });
    return { name, value, attributes: Object.fromEntries(named) };
  });
}

/** The refresh token that an answer keeps in the browser, as a `Cookie` header. */
export function refreshCookieOf(answer: Response): string {
  const cookie = cookiesOf(answer).find(({ name }) => name.endsWith('taskflow_refresh'));
  if (!cookie) throw new Error('the answer sets no refresh cookie');
  return `${cookie.name}=${cookie.value}`;
}
