import { createDecipheriv, createECDH, createPublicKey, hkdfSync, randomBytes, verify } from 'node:crypto';
import { createServer, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { buffer } from 'node:stream/consumers';
import type { AddressInfo } from 'node:net';

/** A push as a browser gets it. */
export interface ReceivedPush {
  /** Of the subscription. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  /** Decrypted. */
  readonly message: Record<string, unknown>;
  /** The claims of the sender, whose signature was right. */
  readonly vapid: { readonly aud: string; readonly exp: number; readonly sub: string; readonly key: string };
}

/** What a browser hands to its application. */
export interface BrowserSubscription {
  readonly endpoint: string;
  readonly keys: { readonly p256dh: string; readonly auth: string };
}

/** A push service with the browsers behind it. */
export interface PushService {
  readonly pushes: readonly ReceivedPush[];
  /** How many requests each path got, answered well or not. */
  readonly asked: ReadonlyMap<string, number>;
  /** A browser subscribes under this path. */
  subscribe(path: string): BrowserSubscription;
  /** What it answers on a path from here on; 201 without one. */
  answer(path: string, status?: number): void;
  close(): Promise<void>;
}

export async function startPushService(): Promise<PushService> {
  const browsers = new Map<string, { pair: ReturnType<typeof createECDH>; auth: Buffer }>();
  const statuses = new Map<string, number>();
  const pushes: ReceivedPush[] = [];
  const asked = new Map<string, number>();
  const take = async (request: IncomingMessage): Promise<number> => {
    const path = request.url!;
    asked.set(path, (asked.get(path) ?? 0) + 1);
    const body = await buffer(request);
    const status = statuses.get(path) ?? 201;
    if (status !== 201) return status;
    const { pair, auth } = browsers.get(path)!;
    const message = JSON.parse(decrypt(body, pair, auth).toString()) as ReceivedPush['message'];
    pushes.push({ path, headers: request.headers, message, vapid: verified(request.headers.authorization!) });
    return status;
  };
  const server = createServer((request, response) => {
    // A push that cannot be read is no push.
    void take(request)
      .catch(() => 400)
      .then((status) => response.writeHead(status).end());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    pushes,
    asked,
    subscribe(path) {
      const pair = createECDH('prime256v1');
      const auth = randomBytes(16);
      const p256dh = pair.generateKeys('base64url');
      browsers.set(path, { pair, auth });
      return { endpoint: `${url}${path}`, keys: { p256dh, auth: auth.toString('base64url') } };
    },
    answer: (path, status) => void (status === undefined ? statuses.delete(path) : statuses.set(path, status)),
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

/** RFC 8291 §3.4 over RFC 8188 §2, one record. @throws when anything about it is not as it should be */
function decrypt(body: Buffer, pair: ReturnType<typeof createECDH>, auth: Buffer): Buffer {
  const salt = body.subarray(0, 16);
  const keyLength = body[20]!;
  const senderKey = body.subarray(21, 21 + keyLength);
  const record = body.subarray(21 + keyLength);
  const secret = pair.computeSecret(senderKey);
  const info = Buffer.concat([Buffer.from('WebPush: info\0'), pair.getPublicKey(), senderKey]);
  const material = Buffer.from(hkdfSync('sha256', secret, auth, info, 32));
  const key = Buffer.from(hkdfSync('sha256', material, salt, Buffer.from('Content-Encoding: aes128gcm\0'), 16));
  const nonce = Buffer.from(hkdfSync('sha256', material, salt, Buffer.from('Content-Encoding: nonce\0'), 12));
  const cipher = createDecipheriv('aes-128-gcm', key, nonce);
  cipher.setAuthTag(record.subarray(-16));
  const padded = Buffer.concat([cipher.update(record.subarray(0, -16)), cipher.final()]);
  // The last record ends with a delimiter of 2 and zeros.
  const end = padded.lastIndexOf(2);
  if (end < 0 || padded.subarray(end + 1).some((byte) => byte !== 0)) throw new Error('the padding is wrong');
  return padded.subarray(0, end);
}

/** RFC 8292 §3. @throws when the signature is not that of the key beside it */
function verified(authorization: string): ReceivedPush['vapid'] {
  const [, token = '', key = ''] = /^vapid t=([\w.-]+), ?k=([\w-]+)$/.exec(authorization) ?? [];
  const [header = '', claims = '', signature = ''] = token.split('.');
  const point = Buffer.from(key, 'base64url');
  const [x, y] = [point.subarray(1, 33), point.subarray(33)].map((half) => half.toString('base64url'));
  const publicKey = createPublicKey({ key: { kty: 'EC', crv: 'P-256', x, y }, format: 'jwk' });
  const signed = Buffer.from(`${header}.${claims}`);
  const isRight = verify(
    'sha256',
    signed,
    { key: publicKey, dsaEncoding: 'ieee-p1363' },
    Buffer.from(signature, 'base64url'),
  );
  if (!isRight) throw new Error('the signature is wrong');
  return { ...(JSON.parse(Buffer.from(claims, 'base64url').toString()) as Omit<ReceivedPush['vapid'], 'key'>), key };
}
