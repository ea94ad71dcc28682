import type { Received } from './receiver.js';

/** A span of OTLP/JSON, with its attributes as plain values. */
export interface ReceivedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  /** 2 server, 3 client. */
  readonly kind: number;
  /** 2 error. */
  readonly status: { readonly code?: number };
  readonly attributes: Readonly<Record<string, unknown>>;
}

type Value = Readonly<Record<string, unknown>>;
type Attributes = readonly { readonly key: string; readonly value: Value }[];
interface Export {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: Attributes };
    readonly scopeSpans: readonly { readonly spans: readonly (ReceivedSpan & { attributes: Attributes })[] }[];
  }[];
}

const plain = (attributes: Attributes): Record<string, unknown> =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));

const exportsOf = (received: readonly Received[]) =>
  received.flatMap(({ body }) => (JSON.parse(body) as Export).resourceSpans);

/** Every span that a collector was sent. */
export function spansOf(received: readonly Received[]): ReceivedSpan[] {
  return exportsOf(received)
    .flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans))
    .map((span) => ({ ...span, attributes: plain(span.attributes) }));
}

/** What every span says of the process it comes from. */
export const resourcesOf = (received: readonly Received[]): Record<string, unknown>[] =>
  exportsOf(received).map(({ resource }) => plain(resource.attributes));
