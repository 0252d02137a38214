import type { z } from 'zod';
import type { Clock } from '#libs/domain/clock.ts';
import type { Metrics } from '#libs/platform/metrics.ts';
import type { Queryable } from '#libs/platform/postgres/database.ts';
import { type RawParameters, readParameters } from '#libs/serve/parameters.ts';
import type { ReadStudentMetrics } from '#libs/serve/student-metrics.ts';
import type { SourceStatus } from '#libs/source/contract.ts';

/** What every handler may use. */
export interface ApiContext {
  /** The analytics database, with a deadline on every answer. */
  readonly db: Queryable;
  readonly studentMetrics: ReadStudentMetrics;
  readonly clock: Clock;
  /** Why this process is not ready, as its other parts see it; empty when they are well. */
  readonly checks: () => readonly string[];
  /** Roles that other processes have to run. */
  readonly roles: readonly string[];
  /** The source that this process reads; null when another one does. */
  readonly source: () => SourceStatus | null;
  readonly metrics: Metrics;
}

/** Path and parameters as they came. */
export interface RawRequest {
  readonly path: string;
  readonly params: RawParameters;
  readonly query: RawParameters;
}

/** An answer that is not an error; 200 unless it says otherwise. */
export interface Reply<A> {
  readonly body: A;
  /** The body is text of this type, sent as it is; without one it is sent as JSON. */
  readonly contentType?: string;
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

interface RouteSpec<P extends z.ZodObject, Q extends z.ZodObject, A extends z.ZodType> {
  /** As the router takes it: `/api/metrics/student/:id`. */
  readonly path: string;
  readonly summary: string;
  readonly params: P;
  readonly query: Q;
  readonly answer: A;
  handle(
    context: ApiContext,
    input: { readonly params: z.output<P>; readonly query: z.output<Q>; readonly raw: RawRequest },
  ): Reply<z.output<A>> | Promise<Reply<z.output<A>>>;
}

/** One GET route: its schemas, by which requests are read and the API is described, and its handler. */
export interface Route {
  readonly path: string;
  readonly summary: string;
  readonly params: z.ZodObject;
  readonly query: z.ZodObject;
  readonly answer: z.ZodType;
  handle(context: ApiContext, raw: RawRequest): Promise<Reply<unknown>>;
}

/** Puts the reading of parameters before a handler. */
export function defineRoute<P extends z.ZodObject, Q extends z.ZodObject, A extends z.ZodType>(
  spec: RouteSpec<P, Q, A>,
): Route {
  return {
    path: spec.path,
    summary: spec.summary,
    params: spec.params,
    query: spec.query,
    answer: spec.answer,
    handle: async (context, raw) => {
      const params = readParameters(spec.params, raw.params);
      const query = readParameters(spec.query, raw.query);
      return spec.handle(context, { params, query, raw });
    },
  };
}
