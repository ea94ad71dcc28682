import { aggregateCommands } from './aggregate.js';
import { collectionCommands } from './collections.js';
import type { Command } from './command.js';
import { countingCommands } from './counting.js';
import { deleteCommands } from './delete.js';
import { diagnosticCommands } from './diagnostics.js';
import { explainCommands } from './explain.js';
import { findAndModifyCommands } from './find-and-modify.js';
import { findCommands } from './find.js';
import { handshakeCommands } from './handshake.js';
import { indexCommands } from './indexes.js';
import { insertCommands } from './insert.js';
import { updateCommands } from './update.js';

const all: readonly Command[] = [
  ...handshakeCommands,
  ...diagnosticCommands,
  ...explainCommands,
  ...insertCommands,
  ...findCommands,
  ...countingCommands,
  ...aggregateCommands,
  ...updateCommands,
  ...deleteCommands,
  ...findAndModifyCommands,
  ...indexCommands,
  ...collectionCommands,
];

/** Every command by each of its names. */
export const commands: ReadonlyMap<string, Command> = new Map(
  all.flatMap((command) => [command.name, ...(command.aliases ?? [])].map((name) => [name, command] as const)),
);
