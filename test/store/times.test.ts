import { afterAll, beforeAll, expect, test } from 'vitest';
import type { AnyRowChange } from '#libs/domain/change.ts';
import { engagementFamily } from '#libs/families/engagement.ts';
import { performanceFamily } from '#libs/families/performance.ts';
import { imagesOf, stageBatch } from '#libs/store/images/stage.ts';
import { createAnalyticsDatabase, type TestDatabase } from '../support/database.ts';
import { testSettings } from '../support/settings.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createAnalyticsDatabase('times');
});
afterAll(() => database.drop());

const id = (kind: string): string => `${kind.repeat(8)}-0000-4000-8000-000000000001`;
const AT = Date.UTC(2026, 2, 20, 10, 30, 5, 123);

test('times are read to the millisecond, however few digits the session shows of a double', async () => {
  const key = { student_id: id('a'), course_id: id('c') };
  const common = { op: 'create', position: { epoch: 1, lsn: 1n } } as const;
  const rest = { resource_id: null, duration_seconds: null, metadata: null };
  const changes: AnyRowChange[] = [
    { ...common, table: 'enrollments', id: id('d'), after: { ...key, enrolled_at: AT } },
    {
      ...common,
      table: 'activity_logs',
      id: id('e'),
      after: { ...key, ...rest, activity_type: 'login', timestamp: AT },
    },
    {
      ...common,
      table: 'grades',
      id: id('f'),
      after: { ...key, grade_item: 'Essay', grade_value: '1', grade_max: '2', timestamp: AT },
    },
  ];
  await stageBatch(database.db, { changes }, testSettings().reading);
  const read = await database.db.transaction(async (tx) => {
    await tx.query('SET LOCAL extra_float_digits = -15');
    const images = await imagesOf('grades').read(tx, [id('f')]);
    const keys = [{ studentId: 1, courseId: 1 }];
    const [engagement] = await engagementFamily.read(tx, keys, testSettings().reading);
    const [performance] = await performanceFamily.read(tx, keys, testSettings().reading);
    return [images.get(id('f'))?.columns, engagement?.rows, performance?.rows];
  });
  expect(read).toMatchObject([
    { timestamp: AT },
    { enrollments: [{ at: AT }], activities: [{ at: AT }] },
    [{ at: AT }],
  ]);
});
