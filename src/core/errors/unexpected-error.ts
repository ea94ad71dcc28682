import { channel } from 'node:diagnostics_channel';

/** A bug: an answer with 500, or a crash. */
export interface UnexpectedError {
  readonly error: Error;
  readonly requestId?: string;
  readonly traceId?: string;
  readonly method?: string;
  /** A template, such as `/api/v1/tasks/:id`. */
  readonly route?: string;
}

/** Where bugs are announced; whoever reports them listens. */
const UNEXPECTED_ERRORS = channel('taskflow:unexpected-error');

export const announceUnexpected = (bug: UnexpectedError): void => UNEXPECTED_ERRORS.publish(bug);

/** @returns what ends it */
export function onUnexpected(listener: (bug: UnexpectedError) => void): () => void {
  const subscriber = (bug: unknown): void => listener(bug as UnexpectedError);
  UNEXPECTED_ERRORS.subscribe(subscriber);
  return () => UNEXPECTED_ERRORS.unsubscribe(subscriber);
}
