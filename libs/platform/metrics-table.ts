/** What a metric is, and which labels tell its values apart. */
export interface MetricDefinition {
  readonly kind: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  /** Each with few values: every combination is kept for as long as the process lives. */
  readonly labels: readonly string[];
  /** Upper bounds of a histogram, in its unit. */
  readonly buckets?: readonly number[];
}

/** Counted by the process itself, while it works. */
export const PROCESS_METRICS = {
  prepadata_up: {
    kind: 'gauge',
    help: '1 while the role runs in this process',
    labels: ['role'],
  },
  prepadata_http_requests_total: {
    kind: 'counter',
    help: 'HTTP requests answered; route is "none" for those that reached no route',
    labels: ['method', 'route', 'status'],
  },
  prepadata_http_request_duration_seconds: {
    kind: 'histogram',
    help: 'Time from the head of a request to its answer',
    labels: ['method', 'route', 'status'],
    buckets: [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
  },
  prepadata_unreadable_due_dates_total: {
    kind: 'counter',
    help: 'Submissions read whose due date is in no form that is known; they count as having none',
    labels: [],
  },
  prepadata_activity_other_total: {
    kind: 'counter',
    help: 'Activity rows read whose type is no word that is known; they count as other',
    labels: [],
  },
  prepadata_relay_messages_total: {
    kind: 'counter',
    help: 'Messages on a feature topic that the cluster has acknowledged, tombstones among them',
    labels: ['topic'],
  },
  prepadata_relay_tombstones_total: {
    kind: 'counter',
    help: 'Tombstones among the messages: keys whose row is gone',
    labels: ['topic'],
  },
  prepadata_relay_delay_seconds: {
    kind: 'histogram',
    help: "From the first change of a row that the topic had not been told of to the cluster's acknowledgement",
    labels: ['topic'],
    buckets: [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60, 600, 3600],
  },
} as const satisfies Record<string, MetricDefinition>;

/** Read when the metrics are requested. Values unknown then are absent, such as all from a database that does not answer. */
export const READ_METRICS = {
  prepadata_database_up: {
    kind: 'gauge',
    help: '1 when the analytics database answered this request, else 0 and what it would have said is absent',
    labels: [],
  },
  prepadata_log_lines_dropped_total: {
    kind: 'counter',
    help: 'Lines of the log of this process that could not be written: its disk was full, or nobody read it',
    labels: [],
  },
  prepadata_marks_waiting: {
    kind: 'gauge',
    help: 'Marks that wait to be derived; a key may have several',
    labels: ['family'],
  },
  prepadata_lag_seconds: {
    kind: 'gauge',
    help: 'Age of the oldest commit that waits to be derived; 0: none waits; absent: some wait, of unknown age',
    labels: ['family'],
  },
  prepadata_stale_rows: {
    kind: 'gauge',
    help: 'Feature rows that speak for an earlier day than their course does',
    labels: ['family'],
  },
  prepadata_stream_applied: {
    kind: 'gauge',
    help: 'How far the stream is applied: log sequence number in bytes, or the offset of the next record',
    labels: ['stream'],
  },
  prepadata_stream_epoch: {
    kind: 'gauge',
    help: 'The epoch of the stream: which of its replication slots it is in',
    labels: ['stream'],
  },
  prepadata_stream_phase: {
    kind: 'gauge',
    help: '1 for the phase that the stream is in, 0 for the other',
    labels: ['stream', 'phase'],
  },
  prepadata_source_lag_bytes: {
    kind: 'gauge',
    help: "Bytes of the source's log that are not applied yet; absent where another process reads the source",
    labels: [],
  },
  prepadata_instances_alive: {
    kind: 'gauge',
    help: 'Processes of the role that have been heard of in the last ten seconds',
    labels: ['role'],
  },
  prepadata_source_lag_records: {
    kind: 'gauge',
    help: 'Records in the partitions of the role that are not applied yet; absent without Kafka',
    labels: ['role'],
  },
  prepadata_connector_streaming: {
    kind: 'gauge',
    help: '1 while Debezium reads its slot, else 0',
    labels: ['connector'],
  },
  prepadata_connector_restarts: {
    kind: 'gauge',
    help: "How often a failed task of Debezium's was started again",
    labels: ['connector'],
  },
  prepadata_slot_retained_bytes: {
    kind: 'gauge',
    help: "Log that the source's server keeps because of the replication slot",
    labels: ['slot'],
  },
  prepadata_slot_safe_bytes: {
    kind: 'gauge',
    help: 'Log that may still be written before an unread slot is lost; absent where the server sets no limit',
    labels: ['slot'],
  },
  prepadata_rejected_total: {
    kind: 'counter',
    help: 'Rejections of source rows, ever',
    labels: ['table', 'reason'],
  },
  prepadata_rejected_waiting: {
    kind: 'gauge',
    help: 'Source rows that are unreadable now',
    labels: [],
  },
  prepadata_keys_set_aside: {
    kind: 'gauge',
    help: 'Students of courses whose features cannot be derived: an error of ours, which the list of rejected rows names',
    labels: ['family'],
  },
  prepadata_reconcile_finished_seconds: {
    kind: 'gauge',
    help: 'When the last reconcile of everything ended, and how, in seconds since 1970; absent before the first',
    labels: ['status'],
  },
  prepadata_reconcile_differences: {
    kind: 'gauge',
    help: 'Rows and values that it found different: repaired by it, or left; absent where it failed',
    labels: ['outcome'],
  },
  prepadata_outbox_waiting: {
    kind: 'gauge',
    help: 'Changed keys that the feature topic has not been told of yet',
    labels: ['topic'],
  },
  prepadata_relay_lag_seconds: {
    kind: 'gauge',
    help: 'Age of the oldest change that the feature topic has not been told of; absent where none waits',
    labels: ['topic'],
  },
} as const satisfies Record<string, MetricDefinition>;

/** Every metric of ours; those of the process (CPU, memory, event loop) are added to them. */
export const METRICS = { ...PROCESS_METRICS, ...READ_METRICS } as const;
