import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import { MS_PER_DAY } from '#libs/domain/local-date.ts';
import { createSourceDatabase } from '../../support/database.ts';
import { Campus, shapeOf } from '../campus.ts';
import { COLUMNS, compareLines, truthOf } from './columns.ts';
import { exportRows, pass } from './duckdb.ts';

/** The smallest scale at which every kind of row occurs. */
const TINY = 1 / 500;

test('the careful pass of DuckDB gives what the oracle gives, and counting rows does not', async () => {
  const source = await createSourceDatabase('bench_duckdb', '');
  const folder = mkdtempSync(path.join(tmpdir(), 'prepadata-duckdb-'));
  chmodSync(folder, 0o755);
  try {
    const campus = new Campus(() => source.address, shapeOf(TINY));
    await (await campus.fill()).close();
    await campus.live(300);
    const today = Math.floor(Date.now() / MS_PER_DAY);
    const truth = await truthOf(source.address, today);
    expect(truth.size).toBe(shapeOf(TINY).keys);
    const rows = path.join(folder, 'rows');
    await exportRows(source.db, rows);
    const careful = await pass('careful', rows, today, () => {});
    expect(compareLines(truth, careful.features)).toEqual({ wrong: 0, of: truth.size, columns: [] });
    const plain = compareLines(truth, (await pass('rows', rows, today, () => {})).features);
    expect(plain.wrong).toBe(truth.size);
    expect(plain.columns.map(([column]) => column)).toEqual(
      expect.arrayContaining(['active_days_count', 'activities_completed', 'graded_items', 'avg_grade']),
    );
    // Where nothing is ever copied, both agree.
    expect(plain.columns.map(([column]) => column)).not.toContain('login_count');
    expect(COLUMNS).toHaveLength(17);
  } finally {
    rmSync(folder, { recursive: true, force: true });
    await source.drop();
  }
});
