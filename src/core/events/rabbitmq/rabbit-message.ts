import type { ConsumeMessage } from 'amqplib';
import type { LoggedEvent } from '../event-transport.js';

/** JSON, so that programs in other languages can listen as well. */
export const bodyOf = (event: LoggedEvent): Buffer => Buffer.from(JSON.stringify(event));

/** Undefined when it is not an event: whoever reaches the broker can publish anything. */
export function readEvent({ content }: ConsumeMessage): LoggedEvent | undefined {
  try {
    const { id, owner, seq, name, at, facts } = JSON.parse(content.toString('utf8')) as Record<string, unknown>;
    const time = new Date(String(at));
    const isEvent =
      typeof id === 'string' &&
      typeof owner === 'string' &&
      typeof name === 'string' &&
      Number.isSafeInteger(seq) &&
      !Number.isNaN(time.getTime()) &&
      typeof facts === 'object' &&
      facts !== null;
    return isEvent ? { id, owner, seq: Number(seq), name, at: time, facts: facts as LoggedEvent['facts'] } : undefined;
  } catch {
    return undefined;
  }
}
