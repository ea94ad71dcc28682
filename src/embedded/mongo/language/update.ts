import { type Doc, MongoFault } from './fault.js';

export interface UpdateOptions {
  readonly now: Date;
  readonly inserting: boolean;
  readonly arrayFilters?: Doc[];
  readonly filter?: Doc;
}

export function applyUpdate(_doc: Doc, _update: Doc, _options: UpdateOptions): Doc {
  throw new MongoFault(115, 'CommandNotSupported', 'update is not supported');
}
