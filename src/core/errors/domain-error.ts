/** What went wrong, in the words of the domain. Which HTTP status that is, `problem.ts` decides. */
export type ErrorKind =
  | 'malformed'
  | 'unauthenticated'
  | 'forbidden'
  | 'not-found'
  | 'conflict'
  | 'stale'
  | 'too-large'
  | 'header-too-large'
  | 'too-slow'
  | 'unsupported-media'
  | 'invalid'
  | 'rate-limited'
  | 'internal'
  | 'unavailable';

/** One thing wrong with the input: where (RFC 6901), a stable code, and a sentence for a person. */
export interface InputError {
  readonly pointer: string;
  readonly code: string;
  readonly message: string;
}

export interface ErrorOptions {
  /** What happened this time; never a value the client sent in secret. */
  readonly detail?: string;
  /** Seconds. */
  readonly retryAfterSeconds?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly errors?: readonly InputError[];
}

/** A fact of the domain that ends a request. It carries a stable `code`; HTTP appears only in the problem filter. */
export abstract class DomainError extends Error {
  abstract readonly code: string;
  abstract readonly kind: ErrorKind;
  abstract readonly title: string;

  constructor(readonly options: ErrorOptions = {}) {
    super(options.detail);
  }
}

export interface ErrorDefinition {
  readonly code: string;
  readonly kind: ErrorKind;
  /** The same for every occurrence (RFC 9457 §3.1.3). */
  readonly title: string;
}

const catalogue = new Map<string, ErrorDefinition>();

/** Every error the program can answer with, by code: served as a page, listed in OpenAPI, compared with docs/errors.md. */
export const errorCatalogue: ReadonlyMap<string, ErrorDefinition> = catalogue;

/**
 * Defines an error class and enters it into the catalogue.
 * @throws Error when the code is taken: codes are promises to clients
 */
export function defineError(
  code: string,
  kind: ErrorKind,
  title: string,
): new (options?: ErrorOptions) => DomainError & ErrorDefinition {
  if (catalogue.has(code)) throw new Error(`error code ${code} is defined twice`);
  catalogue.set(code, { code, kind, title });
  return class extends DomainError {
    override readonly name = code;
    readonly code = code;
    readonly kind = kind;
    readonly title = title;
  };
}
