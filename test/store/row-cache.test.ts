import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { AnyRowChange } from '#libs/domain/change.ts';
import { MS_PER_DAY } from '#libs/domain/local-date.ts';
import { performanceFamily } from '#libs/families/performance.ts';
import { deriveCourses } from '#libs/pipeline/course.ts';
import { deriveBatch } from '#libs/pipeline/derive.ts';
import type { Database } from '#libs/platform/postgres/database.ts';
import { RowCache } from '#libs/store/images/row-cache.ts';
import { stageBatch } from '#libs/store/images/stage.ts';
import { beginCalendar } from '#libs/store/keys/calendar.ts';
import { FIRST_TODAY } from '../property/rows.ts';
import { World } from '../property/world.ts';
import { interpose } from '../support/interpose.ts';
import { testSettings } from '../support/settings.ts';

describe('what is kept of a key', () => {
  const tables = (rows: number) => ({ grades: { seen: rows, subjects: [], single: Array.from({ length: rows }) } });
  const keyOf = (studentId: number, owner: string | null) => ({ courseId: 1, studentId, owner });

  test('is lent once, to who holds the key while it names this process', () => {
    const cache = new RowCache();
    cache.giveBack(cache.lend(keyOf(1, null)), tables(2));
    expect(cache.lend(keyOf(1, cache.owner)).kept).toEqual(tables(2));
    expect(cache.lend(keyOf(1, cache.owner)).kept).toBeUndefined();
  });

  test.each([null, new RowCache().owner])('is gone where the key names %s', (owner) => {
    const cache = new RowCache();
    cache.giveBack(cache.lend(keyOf(1, null)), tables(2));
    expect(cache.lend(keyOf(1, owner)).kept).toBeUndefined();
    expect(cache.lend(keyOf(1, cache.owner)).kept).toBeUndefined();
  });

  test('does not come back late, when the key has been lent again', () => {
    const cache = new RowCache();
    const first = cache.lend(keyOf(1, null));
    const second = cache.lend(keyOf(1, null));
    cache.giveBack(second, tables(2));
    cache.giveBack(first, tables(1));
    expect(cache.lend(keyOf(1, cache.owner)).kept).toEqual(tables(2));
  });

  test('does not come back when its derivation is over without', () => {
    const cache = new RowCache();
    const loan = cache.lend(keyOf(1, null));
    cache.lose(loan);
    cache.giveBack(loan, tables(1));
    expect(cache.lend(keyOf(1, cache.owner)).kept).toBeUndefined();
  });

  test('is wanted of a key that comes again, for as long as it is remembered or kept', () => {
    const cache = new RowCache(10, 2);
    const isWanted = (student: number): boolean => cache.lend(keyOf(student, cache.owner)).isWanted;
    expect([isWanted(1), isWanted(2), isWanted(1), isWanted(1)]).toEqual([false, false, true, false]);
    expect([isWanted(3), isWanted(4), isWanted(1)]).toEqual([false, false, false]);
    cache.giveBack(cache.lend(keyOf(5, null)), tables(4));
    const known = cache.lend(keyOf(5, cache.owner));
    expect(known).toMatchObject({ isWanted: true, kept: tables(4) });
    cache.giveBack(known, tables(5));
    expect(isWanted(5)).toBe(true);
  });

  test('makes room where there is too much, for what came last', () => {
    const cache = new RowCache(10);
    for (const student of [1, 2, 3]) cache.giveBack(cache.lend(keyOf(student, null)), tables(4));
    expect([1, 2, 3].map((student) => cache.lend(keyOf(student, cache.owner)).kept !== undefined)).toEqual([
      false,
      true,
      true,
    ]);
    cache.giveBack(cache.lend(keyOf(4, null)), tables(11));
    expect(cache.lend(keyOf(4, cache.owner)).kept).toBeUndefined();
  });
});

describe('the next derivation', () => {
  const settings = testSettings();
  let world: World;
  let lsn = 0n;

  beforeAll(async () => {
    world = await World.create('row_cache');
  });
  afterAll(() => world.drop());
  beforeEach(async () => {
    await world.reset();
    await beginCalendar(world.db, FIRST_TODAY);
  });

  const stage = async (value: number): Promise<void> => {
    lsn += 1n;
    const change: AnyRowChange = {
      table: 'grades',
      op: 'create',
      id: `20000000-0000-4000-8000-${String(lsn).padStart(12, '0')}`,
      position: { epoch: 1, lsn },
      after: {
        student_id: '00000000-0000-4000-8000-000000000001',
        course_id: '00000000-0000-4000-8000-0000000000c1',
        grade_item: `Item ${lsn}`,
        grade_value: String(value),
        grade_max: '100',
        timestamp: FIRST_TODAY * MS_PER_DAY + Number(lsn),
      },
    };
    await stageBatch(world.db, { changes: [change] }, settings.reading);
  };

  /** @returns the names of the statements that read rows */
  async function derive(cache: RowCache, db: Database = world.db): Promise<string[]> {
    const read: string[] = [];
    const watched = interpose(db, (name, when) => {
      if (when === 'before' && name.startsWith('store/rows')) read.push(name);
    });
    const options = { cache };
    await deriveBatch(watched, performanceFamily, settings, 9, options);
    await deriveCourses(world.db, settings, 5);
    await deriveBatch(watched, performanceFamily, settings, 9, options);
    return read;
  }

  const grades = async (): Promise<{ graded_items: number; avg_grade: string } | undefined> => {
    const [row] = await world.db.query<{ graded_items: number; avg_grade: string }>(
      'SELECT graded_items, avg_grade FROM performance_features',
    );
    return row;
  };

  test('reads the rows alone that are new', async () => {
    const cache = new RowCache();
    await stage(10);
    // In pieces if the last reading, perhaps another test's, was of very many rows.
    expect(await derive(cache)).toContainEqual(expect.stringMatching(/^store\/rows\/grades(_cursor)?$/));
    await stage(20);
    expect(await derive(cache)).toEqual(['store/rows_new/grades']);
    expect(await grades()).toEqual({ graded_items: 2, avg_grade: '15.00' });
  });

  test('reads all of them where the key has come but once', async () => {
    const cache = new RowCache();
    await stage(10);
    await deriveBatch(world.db, performanceFamily, settings, 9, { cache });
    await stage(20);
    expect((await derive(cache))[0]).toMatch(/^store\/rows\/grades/);
    await stage(30);
    expect(await derive(cache)).toEqual(['store/rows_new/grades']);
  });

  test('reads all of them where another process has derived the key meanwhile', async () => {
    const [one, other] = [new RowCache(), new RowCache()];
    await stage(10);
    await derive(one);
    await stage(20);
    await derive(other);
    await stage(60);
    expect(await derive(one)).toContain('store/rows/grades');
    expect(await grades()).toEqual({ graded_items: 3, avg_grade: '30.00' });
  });

  test('reads all of them where the last one failed', async () => {
    const cache = new RowCache();
    await stage(10);
    await derive(cache);
    await stage(20);
    const failing = interpose(world.db, (name, when) => {
      if (when === 'before' && name.includes('features_upsert'))
        throw Object.assign(new Error('no'), { code: '57014' });
    });
    await expect(derive(cache, failing)).rejects.toThrow('no');
    expect(await derive(cache)).toContain('store/rows/grades');
    expect(await grades()).toEqual({ graded_items: 2, avg_grade: '15.00' });
  });

  test('reads all of them where nobody knows whether the last one was committed', async () => {
    const cache = new RowCache();
    await stage(10);
    await derive(cache);
    await stage(20);
    const deaf: Database = {
      ...world.db,
      transaction: async (work) => {
        await world.db.transaction(work);
        throw Object.assign(new Error('the connection ended'), { code: '08006' });
      },
    };
    await expect(deriveBatch(deaf, performanceFamily, settings, 9, { cache })).rejects.toThrow('the connection ended');
    await stage(60);
    expect(await derive(cache)).toContain('store/rows/grades');
    expect(await grades()).toEqual({ graded_items: 3, avg_grade: '30.00' });
  });

  test('reads all of them where another process has set the key aside', async () => {
    const cache = new RowCache();
    await stage(10);
    await derive(cache);
    await stage(20);
    const failing: typeof performanceFamily = {
      ...performanceFamily,
      facts: () => {
        throw new Error('more than can be');
      },
    };
    await deriveBatch(world.db, failing, settings, 9);
    await stage(60);
    expect(await derive(cache)).toContain('store/rows/grades');
    expect(await grades()).toEqual({ graded_items: 3, avg_grade: '30.00' });
  });
});
