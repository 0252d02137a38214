import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { METRICS, type MetricDefinition, type PROCESS_METRICS, READ_METRICS } from './metrics-table.ts';

type Labels<D extends MetricDefinition> = Readonly<Record<D['labels'][number], string>>;

interface CounterOf<L> {
  /** @param by 1 by default; never negative */
  inc(labels: L, by?: number): void;
}

interface GaugeOf<L> {
  set(labels: L, value: number): void;
}

interface HistogramOf<L> {
  observe(labels: L, value: number): void;
}

type InstrumentOf<D extends MetricDefinition> = D['kind'] extends 'counter'
  ? CounterOf<Labels<D>>
  : D['kind'] extends 'gauge'
    ? GaugeOf<Labels<D>>
    : HistogramOf<Labels<D>>;

type ProcessMetrics = typeof PROCESS_METRICS;
type ReadMetrics = typeof READ_METRICS;

/** One value of one metric that is read on request. */
export type Reading = {
  readonly [N in keyof ReadMetrics]: {
    readonly name: N;
    readonly labels: Labels<ReadMetrics[N]>;
    readonly value: number;
  };
}[keyof ReadMetrics];

/** The metrics of one process, shared by all its roles. */
export interface Metrics {
  /** By name: `metrics.of.prepadata_activity_other_total.inc({})`. */
  readonly of: { readonly [N in keyof ProcessMetrics]: InstrumentOf<ProcessMetrics[N]> };
  /**
   * All metrics in the text form of Prometheus.
   * @param readings every value of the metrics read on request; any not among them is absent
   */
  text(readings: readonly Reading[]): Promise<string>;
  /** The media type of `text`. */
  readonly contentType: string;
}

/** A registry of its own, with the metrics of the process (CPU, memory, event loop, garbage collection) in it. */
export function openMetrics(): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const instruments = new Map(
    Object.entries<MetricDefinition>(METRICS).map(([name, definition]) => [name, open(name, definition, registry)]),
  );
  return {
    // The table gives each name its kind and labels, here as in the type.
    of: Object.fromEntries(instruments) as unknown as Metrics['of'],
    text: (readings) => {
      // In one go, so that two simultaneous requests both see complete readings.
      for (const name of Object.keys(READ_METRICS)) clear(instruments.get(name));
      for (const { name, labels, value } of readings) write(instruments.get(name), labels, value);
      return registry.metrics();
    },
    contentType: registry.contentType,
  };
}

type Instrument = Counter | Gauge | Histogram;

function open(name: string, { kind, help, labels, buckets }: MetricDefinition, registry: Registry): Instrument {
  const shape = { name, help, labelNames: [...labels], registers: [registry] };
  switch (kind) {
    case 'counter':
      return new Counter(shape);
    case 'gauge':
      return new Gauge(shape);
    case 'histogram':
      return new Histogram({ ...shape, ...(buckets === undefined ? {} : { buckets: [...buckets] }) });
  }
}

function clear(instrument: Instrument | undefined): void {
  instrument?.reset();
  // Without labels, a reset metric would be 0 instead of absent.
  instrument?.remove({});
}

function write(instrument: Instrument | undefined, labels: Readonly<Record<string, string>>, value: number): void {
  if (instrument instanceof Gauge) instrument.set(labels, value);
  if (instrument instanceof Counter) instrument.inc(labels, value);
}
