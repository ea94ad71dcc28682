import { readFileSync } from 'node:fs';

export interface PreparedAnswer {
  readonly body: string;
  readonly tag: string;
}

/** What the bare peers answer with, by the holder of the token. */
export interface PreparedUser {
  readonly token: string;
  readonly userId: string;
  /** By path. */
  readonly answers: Readonly<Record<string, PreparedAnswer>>;
}

/** What everybody asks for; an admin also for the last one. */
export const STATS = '/tasks/stats';
export const PROFILE = '/users/me';
export const ADMIN_STATS = '/admin/stats';
export const PREPARED_PATHS = [STATS, PROFILE, ADMIN_STATS];

/** How the harness tells a peer where everything is. */
export const settings = {
  mongoUri: process.env['MONGODB_URI'] ?? '',
  redisUrl: process.env['REDIS_URL'] ?? '',
  privateKey: process.env['PRIVATE_KEY'] ?? '',
  publicKey: process.env['PUBLIC_KEY'] ?? '',
  hmacSecret: process.env['HMAC_SECRET'] ?? '',
  /** Header fields of an answer of TaskFlow, for a peer that sends the same ones. */
  fields: JSON.parse(process.env['FIELDS'] ?? '{}') as Record<string, string>,
};

export function preparedUsers(): PreparedUser[] {
  return JSON.parse(readFileSync(process.env['ANSWERS']!, 'utf8')) as PreparedUser[];
}

/** Tells the harness, and ends with it. */
export function announce(port: number | string): void {
  console.log(`ready: http://127.0.0.1:${port}`);
  process.on('disconnect', () => process.exit());
}
