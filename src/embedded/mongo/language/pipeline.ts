import { type Doc, MongoFault } from './fault.js';

export interface PipelineContext {
  readonly now: Date;
  collection(name: string): Iterable<Doc>;
}

export function runPipeline(_docs: Iterable<Doc>, _pipeline: Doc[], _context: PipelineContext): Doc[] {
  throw new MongoFault(115, 'CommandNotSupported', 'aggregate is not supported');
}
