import { createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto';

const TIMEOUT_MS = 2000;
/** A key has about 200 bytes. */
const MAX_BYTES = 65_536;
const MAX_KEYS = 100;

/**
 * Fetches a key set (RFC 7517) within bounds of time and size.
 * @returns its ES256 keys by `kid`; whatever else is in it is for others
 * @throws when there is no answer, or no such key in it: nobody could be let in with that
 */
export async function fetchKeys(url: string): Promise<ReadonlyMap<string, KeyObject>> {
  const answer = await fetch(url, {
    headers: { accept: 'application/json' },
    redirect: 'error',
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  if (!answer.ok) {
    await answer.body?.cancel();
    throw new Error(`the answer has status ${answer.status}`);
  }
  const { keys } = JSON.parse(await boundedText(answer)) as { keys?: unknown };
  if (!Array.isArray(keys)) throw new Error('the answer is no key set');
  const found = new Map(keys.slice(0, MAX_KEYS).flatMap((jwk) => keyOf(jwk as JsonWebKey | null)));
  if (found.size === 0) throw new Error('the answer has no ES256 key');
  return found;
}

async function boundedText(answer: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of answer.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > MAX_BYTES) throw new Error('the answer is too long');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

function keyOf(jwk: JsonWebKey | null): [string, KeyObject][] {
  const { kty, crv, x, y, kid, use = 'sig', alg = 'ES256' } = jwk ?? {};
  if (kty !== 'EC' || crv !== 'P-256' || use !== 'sig' || alg !== 'ES256' || typeof kid !== 'string') return [];
  try {
    // The public coordinates only, whatever else came along.
    return [[kid, createPublicKey({ key: { kty, crv, x, y }, format: 'jwk' })]];
  } catch {
    return [];
  }
}
