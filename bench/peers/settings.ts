import { readFileSync } from 'node:fs';

/** What the bare peers answer with, by the holder of the token. */
export interface PreparedAnswers {
  readonly token: string;
  readonly userId: string;
  readonly stats: string;
  readonly profile: string;
}

/** How the harness tells a peer where everything is. */
export const settings = {
  mongoUri: process.env['MONGODB_URI'] ?? '',
  redisUrl: process.env['REDIS_URL'] ?? '',
  publicKey: process.env['PUBLIC_KEY'] ?? '',
  hmacSecret: process.env['HMAC_SECRET'] ?? '',
};

export function preparedAnswers(): PreparedAnswers[] {
  return JSON.parse(readFileSync(process.env['ANSWERS']!, 'utf8')) as PreparedAnswers[];
}

/** Tells the harness, and ends with it. */
export function announce(port: number | string): void {
  console.log(`ready: http://127.0.0.1:${port}`);
  process.on('disconnect', () => process.exit());
}
