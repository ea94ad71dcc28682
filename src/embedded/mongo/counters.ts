/** What the server has done since it was opened. */
export class Counters {
  /** By command name. */
  readonly commands = new Map<string, number>();
  /** Index entries that queries looked at. */
  keysExamined = 0;
  /** Documents that queries looked at. */
  docsExamined = 0;
  inserted = 0;
  updated = 0;
  deleted = 0;
  /** Documents that TTL indexes removed. */
  expired = 0;

  count(command: string): void {
    this.commands.set(command, (this.commands.get(command) ?? 0) + 1);
  }

  snapshot(): CounterSnapshot {
    return {
      commands: Object.fromEntries(this.commands),
      keysExamined: this.keysExamined,
      docsExamined: this.docsExamined,
      inserted: this.inserted,
      updated: this.updated,
      deleted: this.deleted,
      expired: this.expired,
    };
  }
}

export interface CounterSnapshot {
  readonly commands: Readonly<Record<string, number>>;
  readonly keysExamined: number;
  readonly docsExamined: number;
  readonly inserted: number;
  readonly updated: number;
  readonly deleted: number;
  readonly expired: number;
}
