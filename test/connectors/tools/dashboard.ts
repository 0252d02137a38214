import { DashboardBuilder, DatasourceVariableBuilder, RowBuilder } from '@grafana/grafana-foundation-sdk/dashboard';
import { DataqueryBuilder } from '@grafana/grafana-foundation-sdk/prometheus';
import { PanelBuilder as StatBuilder } from '@grafana/grafana-foundation-sdk/stat';
import { PanelBuilder as TimeSeriesBuilder } from '@grafana/grafana-foundation-sdk/timeseries';
import { METRICS } from '#libs/platform/metrics-table.ts';

export type MetricName = keyof typeof METRICS;

/** Units under Grafana's names. */
type Unit = 'short' | 's' | 'bytes' | 'reqps' | 'cps' | 'dateTimeFromNow' | 'percentunit' | 'bool_on_off';

export interface Panel {
  readonly title: string;
  readonly unit: Unit;
  /** The metric whose help text describes the panel. */
  readonly metric: MetricName;
  /** PromQL by legend. */
  readonly queries: Readonly<Record<string, string>>;
  /** A single number instead of a line. */
  readonly isStat?: boolean;
}

/** Each process of the API reports the same about the database. */
const most = (metric: MetricName, by: string): Record<string, string> => ({
  [`{{${by}}}`]: `max by (${by}) (${metric})`,
});
const rate = (metric: MetricName, by: string): Record<string, string> => ({
  [`{{${by}}}`]: `sum by (${by}) (rate(${metric}[$__rate_interval]))`,
});
const quantiles = (metric: MetricName): Record<string, string> =>
  Object.fromEntries(
    [50, 99].map((percent) => [
      `p${percent}`,
      `histogram_quantile(${percent / 100}, sum by (le) (rate(${metric}_bucket[$__rate_interval])))`,
    ]),
  );

/**
 * Every metric is in one of them; rows in the order of an operator's questions: can it be trusted, is it fresh, what is
 * wrong, who asks.
 */
export const ROWS: Readonly<Record<string, readonly Panel[]>> = {
  'Can it be trusted?': [
    {
      title: 'Database',
      unit: 'bool_on_off',
      metric: 'prepadata_database_up',
      queries: { up: 'min(prepadata_database_up)' },
      isStat: true,
    },
    {
      title: 'Roles in this process',
      unit: 'short',
      metric: 'prepadata_up',
      queries: { '{{role}}': 'sum by (role) (prepadata_up)' },
      isStat: true,
    },
    {
      title: 'Processes heard of',
      unit: 'short',
      metric: 'prepadata_instances_alive',
      queries: most('prepadata_instances_alive', 'role'),
      isStat: true,
    },
    {
      title: 'Last reconcile',
      unit: 'dateTimeFromNow',
      metric: 'prepadata_reconcile_finished_seconds',
      queries: { '{{status}}': '1000 * max by (status) (prepadata_reconcile_finished_seconds)' },
      isStat: true,
    },
    {
      title: 'Differences it found',
      unit: 'short',
      metric: 'prepadata_reconcile_differences',
      queries: most('prepadata_reconcile_differences', 'outcome'),
      isStat: true,
    },
  ],
  'Is it fresh?': [
    {
      title: 'Oldest commit that waits to be derived',
      unit: 's',
      metric: 'prepadata_lag_seconds',
      queries: most('prepadata_lag_seconds', 'family'),
    },
    {
      title: 'Marks that wait',
      unit: 'short',
      metric: 'prepadata_marks_waiting',
      queries: most('prepadata_marks_waiting', 'family'),
    },
    {
      title: 'Rows of an earlier day',
      unit: 'short',
      metric: 'prepadata_stale_rows',
      queries: most('prepadata_stale_rows', 'family'),
    },
    {
      title: 'Feature topics: oldest change that waits',
      unit: 's',
      metric: 'prepadata_relay_lag_seconds',
      queries: most('prepadata_relay_lag_seconds', 'topic'),
    },
    {
      title: 'Feature topics: keys that wait',
      unit: 'short',
      metric: 'prepadata_outbox_waiting',
      queries: most('prepadata_outbox_waiting', 'topic'),
    },
    {
      title: 'Feature topics: change to acknowledgement',
      unit: 's',
      metric: 'prepadata_relay_delay_seconds',
      queries: quantiles('prepadata_relay_delay_seconds'),
    },
    {
      title: 'Feature topics: messages',
      unit: 'cps',
      metric: 'prepadata_relay_messages_total',
      queries: rate('prepadata_relay_messages_total', 'topic'),
    },
    {
      title: 'Feature topics: tombstones',
      unit: 'cps',
      metric: 'prepadata_relay_tombstones_total',
      queries: rate('prepadata_relay_tombstones_total', 'topic'),
    },
  ],
  'The source': [
    {
      title: 'Log not applied yet',
      unit: 'bytes',
      metric: 'prepadata_source_lag_bytes',
      queries: { log: 'max(prepadata_source_lag_bytes)' },
    },
    {
      title: 'Records not applied yet',
      unit: 'short',
      metric: 'prepadata_source_lag_records',
      queries: most('prepadata_source_lag_records', 'role'),
    },
    {
      title: 'Applied',
      unit: 'cps',
      metric: 'prepadata_stream_applied',
      queries: { '{{stream}}': 'max by (stream) (deriv(prepadata_stream_applied[$__rate_interval]))' },
    },
    {
      title: 'Phase',
      unit: 'short',
      metric: 'prepadata_stream_phase',
      queries: { '{{stream}} {{phase}}': 'max by (stream, phase) (prepadata_stream_phase)' },
    },
    {
      title: 'Epoch',
      unit: 'short',
      metric: 'prepadata_stream_epoch',
      queries: most('prepadata_stream_epoch', 'stream'),
    },
    {
      title: 'Connector streams',
      unit: 'bool_on_off',
      metric: 'prepadata_connector_streaming',
      queries: most('prepadata_connector_streaming', 'connector'),
    },
    {
      title: 'Connector tasks started again',
      unit: 'short',
      metric: 'prepadata_connector_restarts',
      queries: most('prepadata_connector_restarts', 'connector'),
    },
    {
      title: 'Log kept for the slot',
      unit: 'bytes',
      metric: 'prepadata_slot_retained_bytes',
      queries: most('prepadata_slot_retained_bytes', 'slot'),
    },
    {
      title: 'Log until the slot is lost',
      unit: 'bytes',
      metric: 'prepadata_slot_safe_bytes',
      queries: { '{{slot}}': 'min by (slot) (prepadata_slot_safe_bytes)' },
    },
  ],
  'What is wrong with the data?': [
    {
      title: 'Rows that cannot be read now',
      unit: 'short',
      metric: 'prepadata_rejected_waiting',
      queries: { rows: 'max(prepadata_rejected_waiting)' },
    },
    {
      title: 'Rejections',
      unit: 'cps',
      metric: 'prepadata_rejected_total',
      queries: { '{{table}} {{reason}}': 'max by (table, reason) (rate(prepadata_rejected_total[$__rate_interval]))' },
    },
    {
      title: 'Keys set aside',
      unit: 'short',
      metric: 'prepadata_keys_set_aside',
      queries: most('prepadata_keys_set_aside', 'family'),
    },
    {
      title: 'Unreadable due dates',
      unit: 'cps',
      metric: 'prepadata_unreadable_due_dates_total',
      queries: { rows: 'sum(rate(prepadata_unreadable_due_dates_total[$__rate_interval]))' },
    },
    {
      title: 'Activities of no known type',
      unit: 'cps',
      metric: 'prepadata_activity_other_total',
      queries: { rows: 'sum(rate(prepadata_activity_other_total[$__rate_interval]))' },
    },
  ],
  'Who asks?': [
    {
      title: 'Requests',
      unit: 'reqps',
      metric: 'prepadata_http_requests_total',
      queries: rate('prepadata_http_requests_total', 'route'),
    },
    {
      title: 'Failures',
      unit: 'reqps',
      metric: 'prepadata_http_requests_total',
      queries: {
        '{{status}}': 'sum by (status) (rate(prepadata_http_requests_total{status=~"4..|5.."}[$__rate_interval]))',
      },
    },
    {
      title: 'Time to answer',
      unit: 's',
      metric: 'prepadata_http_request_duration_seconds',
      queries: quantiles('prepadata_http_request_duration_seconds'),
    },
    {
      title: 'Log lines lost',
      unit: 'cps',
      metric: 'prepadata_log_lines_dropped_total',
      queries: rate('prepadata_log_lines_dropped_total', 'instance'),
    },
  ],
};

const SOURCE = { type: 'prometheus', uid: '$datasource' };

function panelOf({ title, unit, metric, queries, isStat = false }: Panel): StatBuilder | TimeSeriesBuilder {
  const panel = (isStat ? new StatBuilder().span(4).height(4) : new TimeSeriesBuilder().span(8).height(7))
    .title(title)
    .description(METRICS[metric].help)
    .unit(unit)
    .datasource(SOURCE);
  for (const [legend, expr] of Object.entries(queries)) {
    panel.withTarget(new DataqueryBuilder().datasource(SOURCE).expr(expr).legendFormat(legend));
  }
  return panel;
}

/** The contents of `connectors/grafana/dashboard.json`. */
export function dashboard(): object {
  const builder = new DashboardBuilder('PrepaData')
    .uid('prepadata')
    .description('Made from libs/platform/metrics-table.ts by `npm test -- test/connectors/tools -u`.')
    .tags(['prepadata'])
    .refresh('30s')
    .time({ from: 'now-6h', to: 'now' })
    .timezone('browser')
    .withVariable(new DatasourceVariableBuilder('datasource').label('Prometheus').type('prometheus'));
  for (const [row, panels] of Object.entries(ROWS)) {
    builder.withRow(new RowBuilder(row));
    for (const panel of panels) builder.withPanel(panelOf(panel));
  }
  return builder.build();
}
