import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openLog } from '#libs/platform/log.ts';
import type { Database } from '#libs/platform/postgres/database.ts';
import { migrate } from '#libs/store/schema/migrate.ts';
import { openAnalytics } from '#libs/store/schema/open.ts';
import { addCourseState, addEngagementSeries, addPeople, insertAll } from '../api/support.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { onEachPostgres } from '../support/postgres-versions.ts';

/*
 * Views are replaced when their text changes, without any change for their readers. Roles belong to the whole server,
 * so each test has its own.
 */

const SCHEMAS = path.resolve(import.meta.dirname, '../../schemas');
/** A file of schemas/views, whatever its number. */
const fileOf = (view: string): string =>
  `views/${readdirSync(path.join(SCHEMAS, 'views')).find((name) => new RegExp(`^\\d\\d_${view}\\.sql$`).test(name))}`;
const FUNCTIONS = fileOf('functions');
const STUDENT_METRICS = fileOf('student_metrics');
const COMPAT_TEMPORAL = fileOf('compat_temporal_features');
/** The last schema version whose migrations contained the views. */
const BEFORE_VIEWS = 17;

let analytics: TestDatabase;
let db: Database;
let folder: string;
let reader: string;
let roles = 0;
const schemas = (): URL => pathToFileURL(`${folder}/`);

/** A later program: the same except for these edits of its files. */
function edit(file: string, from: string, to: string): void {
  const target = path.join(folder, file);
  const text = readFileSync(target, 'utf8');
  expect(text.split(from)).toHaveLength(2);
  writeFileSync(target, text.replace(from, to));
}
const addMigration = (version: string, text: string): void =>
  writeFileSync(path.join(folder, 'sql', `${version}.sql`), text);

async function migrateToVersionBefore(): Promise<void> {
  await db.query(
    'CREATE TABLE schema_version (version integer PRIMARY KEY, name text NOT NULL, applied_at timestamptz)',
  );
  for (const name of readdirSync(path.join(SCHEMAS, 'sql')).sort()) {
    const version = Number(name.slice(0, 4));
    if (version > BEFORE_VIEWS) continue;
    await db.query(readFileSync(path.join(SCHEMAS, 'sql', name), 'utf8'));
    await db.query('INSERT INTO schema_version VALUES ($1, $2, now())', [version, name]);
  }
}

async function fill(): Promise<void> {
  await addPeople(db, 2, 1);
  await addCourseState(db, 1, '2026-03-20');
  await insertAll(db, 'engagement_features', [
    { student_id: 1, course_id: 1, engagement_score: 83.5 },
    { student_id: 2, course_id: 1, engagement_score: null },
  ]);
  await addEngagementSeries(
    db,
    { student_id: 1, course_id: 1 },
    { first_day: '2026-03-20', score: [1], ma7: [2], ma30: [3] },
  );
}

const VIEWS = [
  'public.student_metrics',
  'public.temporal_features',
  'compat.student_metrics',
  'compat.temporal_features',
];

async function grant(): Promise<void> {
  await db.query(`GRANT USAGE ON SCHEMA compat TO ${reader}`);
  for (const view of VIEWS) await db.query(`GRANT SELECT ON ${view} TO ${reader} WITH GRANT OPTION`);
}

/** How many rows the reader sees in each view. */
async function seenByReader(): Promise<number[]> {
  return db.transaction(async (tx) => {
    await tx.query(`SET LOCAL ROLE ${reader}`);
    const counts: number[] = [];
    for (const view of VIEWS) {
      const [row] = await tx.query<{ n: number }>(`SELECT count(*)::integer AS n FROM ${view}`);
      counts.push(row?.n ?? 0);
    }
    return counts;
  });
}
const grantsOn = async (view: string): Promise<string[]> => {
  const rows = await db.query<{ acl: string }>(
    `SELECT unnest(relacl)::text AS acl FROM pg_class WHERE oid = $1::regclass ORDER BY 1`,
    [view],
  );
  return rows.map((row) => row.acl).filter((acl) => acl.startsWith(reader) || acl.startsWith('='));
};
const definition = async (view: string): Promise<string> => {
  const [row] = await db.query<{ text: string }>('SELECT pg_get_viewdef($1::regclass) AS text', [view]);
  return row?.text ?? '';
};
const oidOf = async (view: string): Promise<unknown> => (await db.query('SELECT $1::regclass::oid AS oid', [view]))[0];

onEachPostgres([14, 18], (_, server) => {
  beforeEach(async () => {
    analytics = await createTestDatabase('views', 4, server());
    ({ db } = analytics);
    folder = mkdtempSync(path.join(tmpdir(), 'prepadata-views-'));
    cpSync(SCHEMAS, folder, { recursive: true });
    roles += 1;
    reader = `views_reader_${process.pid}_${roles}`;
    await db.query(`CREATE ROLE ${reader}`);
  });
  afterEach(async () => {
    await db.query(`DROP OWNED BY ${reader}`);
    await db.query(`DROP ROLE ${reader}`);
    await analytics.drop();
    rmSync(folder, { recursive: true, force: true });
  });

  test('a filled database of the version before gets the views as they are now, and who read them goes on', async () => {
    await migrateToVersionBefore();
    await fill();
    await grant();
    const before = await seenByReader();
    expect(before).toEqual([2, 1, 2, 2]);
    const applied = await migrate(db);
    expect(applied.filter((name) => name.startsWith('views/'))).toHaveLength(
      readdirSync(path.join(SCHEMAS, 'views')).length,
    );
    expect(await seenByReader()).toEqual(before);
    for (const view of VIEWS) expect(await grantsOn(view)).toEqual([expect.stringMatching(`^${reader}=r\\*/`)]);

    // The same views as on a database that never had others.
    const fresh = await createTestDatabase('views_fresh', 4, server());
    try {
      await migrate(fresh.db);
      for (const view of [...VIEWS, 'state.open_flag']) {
        const [row] = await fresh.db.query<{ text: string }>('SELECT pg_get_viewdef($1::regclass) AS text', [view]);
        expect(await definition(view)).toBe(row?.text);
      }
    } finally {
      await fresh.drop();
    }
  });

  test('nothing is done a second time', async () => {
    await migrate(db);
    const oids = await Promise.all(VIEWS.map(oidOf));
    expect(await migrate(db)).toEqual([]);
    expect(await Promise.all(VIEWS.map(oidOf))).toEqual(oids);
  });

  describe('a changed text', () => {
    beforeEach(async () => {
      await migrate(db);
      await fill();
      await grant();
    });

    test('is applied once, in place where it can be', async () => {
      const oid = await oidOf('compat.temporal_features');
      edit(COMPAT_TEMPORAL, ', 50)::numeric(5, 2) AS engagement_ma30', ', 49)::numeric(5, 2) AS engagement_ma30');
      expect(await migrate(db, schemas())).toEqual([COMPAT_TEMPORAL]);
      expect(await definition('compat.temporal_features')).toContain('49');
      expect(await oidOf('compat.temporal_features')).toEqual(oid);
      expect(await migrate(db, schemas())).toEqual([]);
    });

    test('without a column that was there makes all views anew, and every grant is given again', async () => {
      await db.query(`GRANT SELECT ON public.student_metrics TO PUBLIC`);
      await db.query(`REVOKE ALL ON public.temporal_features FROM ${reader}`);
      await db.query(`GRANT SELECT (student_id, views_7d), UPDATE (views_30d) ON public.student_metrics TO ${reader}`);
      edit(STUDENT_METRICS, '  e.views_7d,\n', '');
      await migrate(db, schemas());
      expect(await grantsOn('public.student_metrics')).toEqual([
        expect.stringMatching('^=r/'),
        expect.stringMatching(`^${reader}=r\\*/`),
      ]);
      expect(await grantsOn('public.temporal_features')).toEqual([]);
      expect(await grantsOn('compat.student_metrics')).toEqual([expect.stringMatching(`^${reader}=r\\*/`)]);
      const columns = await db.query<{ attname: string }>(
        "SELECT attname::text FROM pg_attribute WHERE attrelid = 'public.student_metrics'::regclass AND attacl IS NOT NULL ORDER BY 1",
      );
      expect(columns.map((row) => row.attname)).toEqual(['student_id', 'views_30d']);
    });

    test('does not give what default privileges would and somebody took away', async () => {
      await db.query(`ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO ${reader}`);
      await db.query(`REVOKE ALL ON public.temporal_features FROM ${reader}`);
      edit(STUDENT_METRICS, '  e.views_7d,\n', '');
      await migrate(db, schemas());
      expect(await grantsOn('public.temporal_features')).toEqual([]);
      expect(await grantsOn('public.student_metrics')).toEqual([expect.stringMatching(`^${reader}=r\\*/`)]);
    });

    test('that an older program has is not put back', async () => {
      edit(COMPAT_TEMPORAL, ', 50)::numeric(5, 2) AS engagement_ma30', ', 49)::numeric(5, 2) AS engagement_ma30');
      await migrate(db, schemas());
      await expect(migrate(db)).rejects.toMatchObject({
        code: 'schema_newer',
        message: expect.stringContaining(COMPAT_TEMPORAL),
      });
      expect(await definition('compat.temporal_features')).toContain('49');
    });

    test('of a function reaches the views that call it', async () => {
      edit(FUNCTIONS, '* 0.01;\n\n-- A median', '* 0.01 + 0;\n\n-- A median');
      expect(await migrate(db, schemas())).toEqual([FUNCTIONS]);
      expect(await seenByReader()).toEqual([2, 1, 2, 2]);
    });
  });

  describe('a view of somebody else', () => {
    beforeEach(async () => {
      await migrate(db);
      await db.query(
        'CREATE SCHEMA reports; CREATE VIEW reports.weekly AS SELECT student_id, views_7d FROM public.student_metrics',
      );
    });

    test('is no trouble where ours is replaced in place', async () => {
      edit(STUDENT_METRICS, '\nFROM (\n', ',\n  1 AS one\nFROM (\n');
      expect(await migrate(db, schemas())).toEqual([STUDENT_METRICS]);
    });

    test('is named where ours has to go, and nothing has changed; the remedy works', async () => {
      edit(STUDENT_METRICS, '  e.views_30d,\n', '');
      const refused = await migrate(db, schemas()).catch((error: unknown) => error);
      expect(refused).toMatchObject({
        code: 'views_in_use',
        message: expect.stringContaining('view reports.weekly on public.student_metrics'),
        hint: expect.stringMatching(/DROP VIEW reports\.weekly;$/),
      });
      expect(await definition('public.student_metrics')).toContain('views_30d');
      await db.query('DROP VIEW reports.weekly;');
      expect(await migrate(db, schemas())).toEqual([STUDENT_METRICS]);
      await db.query('CREATE VIEW reports.weekly AS SELECT student_id, views_7d FROM public.student_metrics');
    });

    test('on a table is named by what Postgres says', async () => {
      await db.query('CREATE VIEW reports.login AS SELECT login_count FROM engagement_features');
      await db.query('DROP VIEW reports.weekly');
      addMigration('9000_gone', 'ALTER TABLE engagement_features DROP COLUMN login_count');
      edit(STUDENT_METRICS, '  e.login_count,\n', '');
      await expect(migrate(db, schemas())).rejects.toMatchObject({
        code: 'schema_in_use',
        message: expect.stringContaining('view reports.login depends on column login_count'),
      });
    });
  });

  test.each([
    ['drops a column', 'ALTER TABLE engagement_features DROP COLUMN login_count', '  e.login_count,\n', ''],
    [
      'gives a column another type',
      'ALTER TABLE engagement_features ALTER COLUMN login_count TYPE bigint',
      '  e.login_count,\n',
      '  e.login_count,\n',
    ],
  ])('a migration that %s finds no view in its way, and the grants survive', async (_, text, from, to) => {
    await migrate(db);
    await fill();
    await grant();
    addMigration('9000_next', text);
    edit(STUDENT_METRICS, from, to);
    expect((await migrate(db, schemas()))[0]).toBe('9000_next.sql');
    expect(await seenByReader()).toEqual([2, 1, 2, 2]);
    for (const view of VIEWS) expect(await grantsOn(view)).toEqual([expect.stringMatching(`^${reader}=r\\*/`)]);
  });

  test('once views have made way for a migration, the next failure is told as it is, with the file that it is in', async () => {
    edit(STUDENT_METRICS, '  e.login_count,\n', '  e.no_such_column,\n');
    await expect(migrate(db, schemas())).rejects.toMatchObject({
      code: '42703',
      message: `column e.no_such_column does not exist (schemas/${STUDENT_METRICS})`,
    });
    addMigration('9000_wrong', 'ALTER TABLE no_such_table ADD COLUMN x integer');
    await expect(migrate(db, schemas())).rejects.toThrow(
      'relation "no_such_table" does not exist (schemas/sql/9000_wrong.sql)',
    );
  });

  test('a lock in the way of a migration is waited for, also where views have made way before', async () => {
    await migrate(db);
    addMigration('9000_drops', 'ALTER TABLE engagement_features DROP COLUMN login_count');
    edit(STUDENT_METRICS, '  e.login_count,\n', '');
    addMigration('9001_held', 'ALTER TABLE pipeline_logs ADD COLUMN x integer');
    await db.transaction(async (tx) => {
      await tx.query('LOCK TABLE pipeline_logs IN ACCESS SHARE MODE');
      await expect(migrate(db, schemas())).rejects.toMatchObject({ code: 'schema_held' });
    });
    await migrate(db, schemas());
  });

  test('a transaction that somebody forgot is waited for in sight, and holds up no other reader for long', async () => {
    await migrate(db);
    let forget: () => void = () => {};
    const forgotten = new Promise<void>((resolve) => {
      forget = resolve;
    });
    let isReading: () => void = () => {};
    const reading = new Promise<void>((resolve) => {
      isReading = resolve;
    });
    const held = db.transaction(async (tx) => {
      await tx.query('SELECT FROM compat.temporal_features');
      isReading();
      await forgotten;
    });
    await reading;
    await db.query("DELETE FROM state.schema_view WHERE name LIKE '%compat_temporal_features.sql'");
    const told: string[] = [];
    const opened = openAnalytics(analytics.address, {
      name: 'test views held',
      role: 'owner',
      log: openLog('silent'),
      signal: new AbortController().signal,
      onWaiting: (sentence) => {
        told.push(sentence);
        forget();
      },
    });
    // Queued behind the waiting change; it gets its turn when that gives up.
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    await db.query('SELECT FROM compat.temporal_features');
    await (await opened).close();
    await held;
    expect(told[0]).toMatch(
      /cannot be brought to the schema of this program \(.*idle in transaction.* holds compat\.temporal/,
    );
    expect(await migrate(db)).toEqual([]);
  });

  test('each file is one view or functions, and names its schema', () => {
    for (const name of readdirSync(path.join(SCHEMAS, 'views'))) {
      const text = readFileSync(path.join(SCHEMAS, 'views', name), 'utf8');
      expect(name).toMatch(/^\d\d_\w+\.sql$/);
      const views = [...text.matchAll(/^CREATE OR REPLACE VIEW (\S+) /gm)].map((match) => match[1]);
      const functions = [...text.matchAll(/^CREATE OR REPLACE FUNCTION state\.\w+\(/gm)];
      const made = text.match(/^(CREATE|ALTER|DROP|GRANT)\b/gm) ?? [];
      expect(made).toHaveLength(views.length + functions.length);
      if (functions.length === 0) expect(views).toEqual([expect.stringMatching(/^\w+\.\w+$/)]);
      else expect(views).toEqual([]);
    }
  });
});
