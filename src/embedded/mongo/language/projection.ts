import { type Doc, MongoFault } from './fault.js';

export type Projector = (doc: Doc, meta?: { textScore?: number }) => Doc;

export function compileProjection(projection: Doc | undefined, _filter?: Doc): Projector {
  if (projection === undefined || Object.keys(projection).length === 0) return (doc) => doc;
  throw new MongoFault(115, 'CommandNotSupported', 'projection is not supported');
}
