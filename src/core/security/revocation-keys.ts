/** Whatever names keys: `RequestRedis`. */
interface KeySpace {
  key(owner: string, ...parts: readonly string[]): string;
}

/** Exists while a token of this ended session could still be shown. */
export const endedKey = (keys: KeySpace, userId: string, sessionId: string): string =>
  keys.key(userId, 'ended', sessionId);

/** The lowest version that a token of this user may have, while it matters. */
export const minVersionKey = (keys: KeySpace, userId: string): string => keys.key(userId, 'minver');
