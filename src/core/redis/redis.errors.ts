import { StoreUnavailable } from '../errors/core.errors.js';

/** Redis did not do it, or did not say so in time. Whether it happened all the same is not known. */
export class RedisUnavailable extends StoreUnavailable {}

/** What Redis answers when it is there and cannot serve: loading, read-only, out of memory, in a failover. */
const AWAY =
  /\b(READONLY|OOM|LOADING|MASTERDOWN|MISCONF|NOREPLICAS|CLUSTERDOWN|TRYAGAIN|MOVED|ASK|NOAUTH|NOPERM|WRONGPASS|BUSY)\b|max number of clients/;
/** How Redis marks an answer that is an error, as opposed to a connection that failed. */
const isReply = (error: Error): boolean => error.name === 'ReplyError';

/** A mistake of ours (a script that fails, a wrong type) is thrown as it is; everything else means that Redis is away. */
export const isAway = (error: Error): boolean => !isReply(error) || AWAY.test(error.message);
