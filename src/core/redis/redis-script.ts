import { createHash } from 'node:crypto';

/** A Lua script as Redis knows it. Its keys all carry the same `{tag}`, or a cluster refuses it. */
export class RedisScript {
  /** What EVALSHA names it by. */
  readonly sha: string;

  /** @param name for log lines and metrics, such as `cache.read` */
  constructor(
    readonly name: string,
    readonly lua: string,
  ) {
    this.sha = createHash('sha1').update(lua).digest('hex');
  }
}
