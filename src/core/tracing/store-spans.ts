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
import { MONGO_COMMANDS, type MongoCommand } from '../mongo/mongo-commands.js';
import { REDIS_CALLS } from '../redis/request-redis.js';

interface Described {
  readonly name: string;
  readonly attributes: Attributes;
}

const ofMongo = ({ name, collection, database }: MongoCommand): Described => ({
  name: collection ? `${name} ${collection}` : name,
  attributes: {
    'db.system.name': 'mongodb',
    'db.operation.name': name,
    'db.collection.name': collection,
    'db.namespace': database,
  },
});

const ofRedis = ({ script }: { readonly script: string }): Described => ({
  name: `EVALSHA ${script}`,
  attributes: { 'db.system.name': 'redis', 'db.operation.name': 'EVALSHA', 'db.stored_procedure.name': script },
});

/**
 * A span for each call to a store that is made for a recorded request. Our connection to MongoDB and our calls to Redis
 * announce themselves. Not Mongoose's channels: what is written past its documents, it does not see. Not those of
 * ioredis: it sends the commands of many requests together, and tells of all of them in the context of the first.
 * @returns what ends it
 */
export function recordStoreCalls(tracer: Tracer): () => void {
  const ends = [follow(tracer, MONGO_COMMANDS, ofMongo), follow(tracer, REDIS_CALLS, ofRedis)];
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
