import { InputInvalid } from '../../core/errors/core.errors.js';
import { emailKey } from '../users/index.js';

/** Code points. */
export const MIN_PASSWORD_LENGTH = 10;
export const MAX_PASSWORD_LENGTH = 128;

let common: Promise<ReadonlySet<string>> | undefined;

/** Common passwords that are long enough to get past the length rule, in lower case. Loaded when first asked for. */
async function loadCommon(): Promise<ReadonlySet<string>> {
  const { dictionary } = await import('@zxcvbn-ts/language-common');
  return new Set(dictionary['passwords-common'].map(String).filter((word) => word.length >= MIN_PASSWORD_LENGTH));
}

/**
 * Refuses what an attacker tries first: common passwords, and the account's own e-mail.
 * @param pointer where the password stands in the body
 * @throws InputInvalid
 */
export async function refuseGuessable(password: string, email: string, pointer: string): Promise<void> {
  const guess = password.toLowerCase();
  const address = emailKey(email);
  const refuse = (code: string, message: string): never => {
    throw new InputInvalid({ detail: `The password ${message}.`, errors: [{ pointer, code, message }] });
  };
  if (guess === address || guess === address.slice(0, address.lastIndexOf('@')))
    refuse('is_email', 'is your e-mail address');
  if ((await (common ??= loadCommon())).has(guess)) refuse('too_common', 'is one of the most common ones');
}
