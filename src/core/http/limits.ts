/** Bytes of a request body. */
export const BODY_LIMIT = 256 * 1024;
export const BULK_BODY_LIMIT = 4 * 1024 * 1024;

/** The longest that any request runs; `REQUEST_TIMEOUT_MS` cannot be set above it. Bulk has all of it. */
export const LONGEST_REQUEST_MS = 20_000;
