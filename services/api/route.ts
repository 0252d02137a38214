import type { Readable } from 'node:stream';
import type { z } from 'zod';
import type { Clock } from '#libs/domain/clock.ts';
import type { Metrics } from '#libs/platform/metrics.ts';
import type { Database, Queryable } from '#libs/platform/postgres/database.ts';
import type { Countdown } from '#libs/platform/time-left.ts';
import type { Snapshot } from '#libs/serve/deadline.ts';
import type { FeatureEvents } from '#libs/serve/feature-events.ts';
import type { FinishedAnswer } from '#libs/serve/finished-answer.ts';
import type { LastHour } from '#libs/serve/last-hour.ts';
import { type RawParameters, readFields, readParameters } from '#libs/serve/parameters.ts';
import type { ReadStudentMetrics } from '#libs/serve/student-metrics.ts';
import type { SourceStatus } from '#libs/source/contract.ts';
import type { LongAnswer } from './long-answer.ts';
import type { Caller, Scope } from './tokens.ts';

/** What every handler may use. */
export interface ApiContext {
  /** The analytics database, with a deadline on every answer. */
  readonly db: Queryable;
  /** The same without a deadline, for routes that read one snapshot for a long time. */
  readonly snapshots: Pick<Database, 'transaction'>;
  /** Runs reads in one snapshot, with a deadline on all of them together. */
  readonly inSnapshot: Snapshot;
  readonly studentMetrics: ReadStudentMetrics;
  /** Null where this process does not listen for changes. */
  readonly events: FeatureEvents | null;
  readonly clock: Clock;
  /** Why this process is not ready, as its other parts see it; empty when they are well. */
  readonly checks: () => readonly string[];
  /** Roles that must be running in other processes. */
  readonly roles: readonly string[];
  /** The source that this process reads; null when another one does. */
  readonly source: () => SourceStatus | null;
  readonly metrics: Metrics;
  /** Estimates when the keys that readiness waits for will be derived. */
  readonly countdown: Countdown;
  readonly lastHour: LastHour;
}

export type HttpMethod = 'GET' | 'POST';

/** A request as it came. */
export interface RawRequest {
  readonly caller: Caller;
  readonly path: string;
  /** The last event of a stream that the caller has seen. */
  readonly lastEventId?: string;
  readonly params: RawParameters;
  readonly query: RawParameters;
  /** The one of these media types that the caller prefers; null: it accepts none of them. */
  accepts(types: readonly string[]): string | null;
  /** Aborts when the caller has gone, or when the server drains. */
  left(): AbortSignal;
  /** The JSON of the body, read on demand. */
  readBody(): Promise<unknown>;
}

/** An answer that is not an error; 200 unless it says otherwise. */
export interface Reply<A> {
  /** The whole answer; its finished JSON; a list whose rows are sent as they are read; or, with a content type, a stream. */
  readonly body: A | FinishedAnswer | LongAnswer | Readable;
  /** The body is text of this type, sent unchanged; without one it is sent as JSON. */
  readonly contentType?: string;
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Groups of routes in the API's description. */
export const TAGS = {
  features: 'What is known of students and courses',
  runs: 'The comparison with the source, and backfills',
  operation: 'How the service does',
} as const;

/** What a route declares about itself. */
interface RouteHead {
  /** As the router expects it: `/api/metrics/student/:id`. */
  readonly path: string;
  /** What generated clients call it. */
  readonly operationId: string;
  readonly tag: keyof typeof TAGS;
  readonly summary: string;
  /** The answer is a list that may be long: it has an ETag, and is compressed where the caller accepts that. */
  readonly isList?: boolean;
  /** The answer is a {@link FinishedAnswer}, with its own ETag. */
  readonly isFinished?: boolean;
  /** A token needs one of them. Unless given, `read` for GET and `run` for other methods. */
  readonly scopes?: readonly Scope[];
  /** May be asked without a token: always, or only where probes are let in. */
  readonly open?: 'always' | 'probes';
  /** Media types of the answer, in order of preference; JSON unless given. */
  readonly mediaTypes?: readonly string[];
  /** Statuses of refusals that do not follow from the parameters. */
  readonly refusals?: readonly (404 | 406 | 409)[];
}

/** An answer that is not an error, with a status other than 200. */
interface OtherAnswer<C extends z.ZodType> {
  readonly description: string;
  readonly answer: C;
}

interface RouteSpec<
  P extends z.ZodObject,
  Q extends z.ZodObject,
  B extends z.ZodObject,
  A extends z.ZodType,
  C extends z.ZodType,
> extends RouteHead {
  /** GET unless given. */
  readonly method?: HttpMethod;
  readonly params: P;
  readonly query: Q;
  readonly body?: B;
  readonly answer: A;
  /** By status. */
  readonly others?: Readonly<Record<number, OtherAnswer<C>>>;
  handle(
    context: ApiContext,
    input: {
      readonly params: z.output<P>;
      readonly query: z.output<Q>;
      readonly body: z.output<B>;
      readonly raw: RawRequest;
    },
  ): Reply<z.output<A> | z.output<C>> | Promise<Reply<z.output<A> | z.output<C>>>;
}

/** A token needs one of these scopes. */
export const scopesOf = ({ scopes, method }: Route): readonly Scope[] =>
  scopes ?? (method === 'GET' ? ['read'] : ['run']);

/** One route: its schemas, by which requests are read and the API is described, and its handler. */
export interface Route extends RouteHead {
  readonly method: HttpMethod;
  readonly params: z.ZodObject;
  readonly query: z.ZodObject;
  readonly body?: z.ZodObject;
  readonly answer: z.ZodType;
  readonly others?: Readonly<Record<number, OtherAnswer<z.ZodType>>>;
  handle(context: ApiContext, raw: RawRequest): Promise<Reply<unknown>>;
}

/** A route's path as shown to people, and in OpenAPI: `/api/metrics/student/{id}`. */
export const routePath = (route: Route): string => route.path.replaceAll(/:(\w+)/g, '{$1}');

/** Puts the reading of parameters and body before a handler. */
export function defineRoute<
  P extends z.ZodObject,
  Q extends z.ZodObject,
  A extends z.ZodType,
  B extends z.ZodObject = z.ZodObject,
  C extends z.ZodType = z.ZodNever,
>(spec: RouteSpec<P, Q, B, A, C>): Route {
  const { method = 'GET', params, query, body, handle, ...described } = spec;
  return {
    ...described,
    method,
    params,
    query,
    ...(body === undefined ? {} : { body }),
    handle: async (context, raw) =>
      handle(context, {
        params: readParameters(params, raw.params),
        query: readParameters(query, raw.query),
        // A route without a body schema does not read the body.
        body: body === undefined ? ({} as z.output<B>) : readFields(body, await raw.readBody()),
        raw,
      }),
  };
}
