import {
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  type Attributes,
  type Span,
  type Tracer,
} from '@opentelemetry/api';
import { tracingChannel } from 'node:diagnostics_channel';
import { requestContext } from '../logging/request-context.js';
import { REDIS_CALLS } from '../redis/request-redis.js';

/** What Mongoose tells of a call. It has the filter and the documents too, which are not looked at. */
interface MongooseCall {
  readonly operation: string;
  readonly collection: string;
  readonly database?: string;
}

const MONGOOSE_CHANNELS = [
  'mongoose:query',
  'mongoose:aggregate',
  'mongoose:model:save',
  'mongoose:model:insertMany',
  'mongoose:model:bulkWrite',
];

interface Described {
  readonly name: string;
  readonly attributes: Attributes;
}

const ofMongoose = ({ operation, collection, database }: MongooseCall): Described => ({
  name: `${operation} ${collection}`,
  attributes: {
    'db.system.name': 'mongodb',
    'db.operation.name': operation,
    'db.collection.name': collection,
    'db.namespace': database,
  },
});

const ofRedis = ({ script }: { readonly script: string }): Described => ({
  name: `EVALSHA ${script}`,
  attributes: { 'db.system.name': 'redis', 'db.operation.name': 'EVALSHA', 'db.stored_procedure.name': script },
});

/**
 * A span for each call to a store that is made for a recorded request. Mongoose and our calls to Redis announce
 * themselves on diagnostics channels. Not ioredis' own channel: it sends the commands of many requests together, and
 * tells of all of them in the context of the first.
 * @returns what ends it
 */
export function recordStoreCalls(tracer: Tracer): () => void {
  const ends = MONGOOSE_CHANNELS.map((name) => follow(tracer, tracingChannel<MongooseCall>(name), ofMongoose));
  ends.push(follow(tracer, REDIS_CALLS, ofRedis));
  return () => ends.forEach((end) => end());
}

type Channel<T extends object> = ReturnType<typeof tracingChannel<unknown, T>>;

function follow<T extends object>(tracer: Tracer, channel: Channel<T>, describe: (call: T) => Described): () => void {
  const spans = new WeakMap<object, Span>();
  const subscribers = {
    start: (call: T): void => {
      const parent = requestContext.getStore()?.span;
      // Work that a request left behind, such as a repeated attempt, is no longer part of it.
      if (!parent?.isRecording()) return;
      const { name, attributes } = describe(call);
      spans.set(
        call,
        tracer.startSpan(name, { kind: SpanKind.CLIENT, attributes }, trace.setSpan(ROOT_CONTEXT, parent)),
      );
    },
    error: (call: T & { error: unknown }): void => {
      const type = call.error instanceof Error ? call.error.name : 'error';
      // Not its message: MongoDB repeats values of the document in it.
      spans.get(call)?.setStatus({ code: SpanStatusCode.ERROR }).setAttribute('error.type', type);
    },
    asyncEnd: (call: T): void => spans.get(call)?.end(),
    end: (): void => undefined,
    asyncStart: (): void => undefined,
  };
  channel.subscribe(subscribers);
  return () => channel.unsubscribe(subscribers);
}
