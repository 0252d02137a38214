import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { LogicalReplicationService, type Pgoutput, PgoutputPlugin } from 'pg-logical-replication';
import { loadConfig, sourceAddress } from '#libs/platform/config/config.ts';
import { onSignals } from '#libs/platform/lifecycle.ts';
import { CHANGES, openSender } from './topics.ts';

// Brings the source into one topic, keyed by row id: first every row as it is, then each change. It only reads and sends: no
// registry, no envelope, no progress that outlives it. Reports each marker once everything before it is sent.
const SLOT = 'peers';
const ROWS_PER_FETCH = 5_000;
/** While nothing comes. */
const IDLE_MS = 1;
const ACKNOWLEDGE_MS = 500;

const COLUMNS: Readonly<Record<string, readonly string[]>> = {
  enrollments: ['student_id', 'course_id'],
  grades: ['student_id', 'course_id', 'grade_item', 'timestamp', 'grade_value', 'grade_max'],
  activity_logs: ['student_id', 'course_id', 'activity_type', 'resource_id', 'timestamp', 'metadata'],
};

// As Postgres writes them, except times, which every connector converts: they count as UTC here.
pg.types.setTypeParser(pg.types.builtins.JSONB, (text) => text);
pg.types.setTypeParser(pg.types.builtins.TIMESTAMP, (text) => String(Date.parse(`${text.replace(' ', 'T')}Z`)));

interface Outgoing {
  readonly key: string;
  readonly value: string | null;
}

const rowOf = (table: string, row: Readonly<Record<string, unknown>>): Outgoing => ({
  key: String(row['id']),
  value: [table, ...(COLUMNS[table] ?? []).map((column) => row[column] ?? '')].join('\t'),
});

const address = sourceAddress(loadConfig());
if (address === undefined) throw new Error('SOURCE_DB_HOST is needed');
const sender = await openSender(process.env['BENCH_BROKERS'] ?? '');
const { user, system } = process.cpuUsage();
/** The cost of loading, seconds, which is not part of the measurement. */
const loading = (user + system) / 1e6;
const stopping = new AbortController();
onSignals(() => stopping.abort());

async function send(messages: readonly Outgoing[]): Promise<void> {
  if (messages.length === 0) return;
  await sender.send({ topic: CHANGES, acks: -1, messages: [...messages] });
}

/** Every row once. Rows that change meanwhile come again, newer, with the stream. */
async function sendRows(client: pg.Client): Promise<void> {
  await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
  for (const [table, columns] of Object.entries(COLUMNS)) {
    const names = ['id', ...columns].map((column) => `"${column}"`).join(', ');
    await client.query(`DECLARE peers NO SCROLL CURSOR FOR SELECT ${names} FROM ${table}`);
    for (;;) {
      const { rows } = await client.query<Record<string, unknown>>(`FETCH ${ROWS_PER_FETCH} FROM peers`);
      await send(rows.map((row) => rowOf(table, row)));
      if (rows.length < ROWS_PER_FETCH) break;
    }
    await client.query('CLOSE peers');
  }
  await client.query('COMMIT');
}

function recordOf(message: Pgoutput.Message): Outgoing | undefined {
  if (message.tag === 'insert' || message.tag === 'update') return rowOf(message.relation.name, message.new);
  // With the default replica identity a deletion carries only the id.
  if (message.tag === 'delete') return { key: String(message.key?.['id'] ?? message.old?.['id']), value: null };
  return undefined;
}

/** Sends whatever has queued up as one request, until stopped. */
async function stream(service: LogicalReplicationService): Promise<void> {
  let [queue, markers]: [Outgoing[], number] = [[], 0];
  let position = '0/0';
  let done = position;
  service.on('data', (lsn: string, message: Pgoutput.Message) => {
    const record = 'relation' in message && !(message.relation.name in COLUMNS) ? undefined : recordOf(message);
    if (record !== undefined) queue.push(record);
    if (message.tag === 'message' && message.prefix === SLOT) markers += 1;
    position = lsn;
  });
  service
    .subscribe(new PgoutputPlugin({ protoVersion: 1, publicationNames: ['prepadata'], messages: true }), SLOT)
    .catch((error: unknown) => {
      if (!stopping.signal.aborted) throw error;
    });
  let [told, heardAt] = [-1, 0];
  while (!stopping.signal.aborted) {
    const [batch, at, upTo] = [queue, position, markers];
    queue = [];
    await send(batch);
    done = at;
    if (upTo !== told) process.send?.({ markers: upTo, loading });
    told = upTo;
    // A server that hears nothing for long takes the connection for dead.
    if (performance.now() - heardAt > ACKNOWLEDGE_MS) {
      await service.acknowledge(done);
      heardAt = performance.now();
    }
    if (batch.length === 0) await sleep(IDLE_MS);
  }
  await service.acknowledge(done);
}

const client = new pg.Client(address);
await client.connect();
const slots = await client.query('SELECT FROM pg_replication_slots WHERE slot_name = $1', [SLOT]);
if (slots.rowCount === 0) {
  await client.query("SELECT pg_create_logical_replication_slot($1, 'pgoutput')", [SLOT]);
  await sendRows(client);
}
await client.end();
process.send?.({ markers: 0, loading });
const service = new LogicalReplicationService(address, { acknowledge: { auto: false, timeoutSeconds: 0 } });
service.on('error', () => {});
await stream(service);
await service.stop();
await sender.disconnect();
process.exit(0);
