import type { ModuleName } from '../../config/modules.js';

/** An event as it stands in the log. */
export interface LoggedEvent {
  /** Of the event itself: whoever gets it twice knows it by this. */
  readonly id: string;
  /** Whose it is: the user's id. */
  readonly owner: string;
  /** Its place among the owner's events: later ones have a higher one. */
  readonly seq: number;
  readonly name: string;
  readonly at: Date;
  readonly facts: Readonly<Record<string, unknown>>;
}

/** Consumers of one kind, of which one gets each event. */
export interface Subscription {
  /** Names them for ever: what waits for a group waits under this name. `a-z` and `-`. */
  readonly group: string;
  /** Handled in a process that serves it. */
  readonly module: ModuleName;
  /** Of the events. */
  readonly names: readonly string[];
  /** Bears the same event twice. Within 30 s; what it throws counts, apart from a store that is away. */
  handle(event: LoggedEvent): Promise<void>;
}

/** The transport cannot take events just now. The outbox keeps them. */
export class TransportUnavailable extends Error {
  override readonly name = 'TransportUnavailable';
}

/** After so many failures an event becomes a dead letter, so that the rest of its owner's can go on. */
export const MAX_ATTEMPTS = 10;

/** How events get from the log to the groups that subscribe to them. */
export abstract class EventTransport {
  /** To be called in `onModuleInit`, in every process: also in those that do not serve the module. */
  abstract subscribe(subscription: Subscription): void;

  /** For whom the log itself has to keep an event with this name; nobody where a broker does. */
  abstract groupsFor(name: string): readonly string[];

  /**
   * Resolves when every group will get them, whatever crashes from now on. In the order of an owner's events, as far as
   * one relay publishes them.
   * @throws TransportUnavailable
   */
  abstract publish(events: readonly LoggedEvent[]): Promise<void>;
}
