import { afterAll, beforeAll, expect, test } from 'vitest';
import type { AnyRowChange } from '#libs/domain/change.ts';
import { MS_PER_DAY } from '#libs/domain/local-date.ts';
import { deriveBatch } from '#libs/pipeline/derive.ts';
import { performanceFamily } from '#libs/pipeline/families/performance.ts';
import { beginCalendar } from '#libs/store/calendar.ts';
import { stageBatch } from '#libs/store/stage.ts';
import { chanceOf } from '../property/disturbance.ts';
import { FIRST_TODAY } from '../property/rows.ts';
import { World } from '../property/world.ts';
import { deriveAll } from '../support/derive-all.ts';
import { testSettings } from '../support/settings.ts';

const settings = testSettings();
const STUDENTS = 120;
const CHANGES_EACH = 8;
const COURSE = '00000000-0000-4000-8000-0000000000c1';
let world: World;

beforeAll(async () => {
  world = await World.create('marks');
});
afterAll(() => world.drop());

const idOf = (kind: number, student: number): string =>
  `${kind}0000000-0000-4000-8000-${student.toString().padStart(12, '0')}`;

const regrade = (student: number, value: number): AnyRowChange => ({
  table: 'grades',
  op: value === 1 ? 'create' : 'update',
  id: idOf(2, student),
  position: { epoch: 1, lsn: BigInt(value) },
  after: {
    student_id: idOf(1, student),
    course_id: COURSE,
    grade_item: 'Essay',
    grade_value: String(value),
    grade_max: '100',
    timestamp: FIRST_TODAY * MS_PER_DAY,
  },
});

/**
 * A mark is lost when it is deleted by a derivation that read before its change was there. A later mark of the same key
 * would hide that, so every student's last change has to be the one that counts: few changes each, of many students, one
 * in a transaction, while derivers run without pause.
 */
test('no change is lost between a reading and the deletion of its mark', async () => {
  await world.reset();
  await beginCalendar(world.db, FIRST_TODAY);
  const students = Array.from({ length: STUDENTS }, (_, index) => index + 1);
  // The course is known first, so that no movement of it makes anybody look again.
  for (const student of students) await stageBatch(world.db, { changes: [regrade(student, 1)] }, settings.reading);
  await deriveAll(world.db, settings);

  let staging = true;
  const stagers = [0, 1, 2].map(async (stager) => {
    const chance = chanceOf(stager);
    const own = students.filter((student) => student % 3 === stager);
    const values = new Map(own.map((student) => [student, 1]));
    while (values.size > 0) {
      const [student, value] = [...values][Math.floor(chance() * values.size)] ?? [0, 0];
      await stageBatch(world.db, { changes: [regrade(student, value + 1)] }, settings.reading);
      if (value + 1 === CHANGES_EACH) values.delete(student);
      else values.set(student, value + 1);
    }
  });
  const derivers = [40, 3].map(async (keys) => {
    while (staging) await deriveBatch(world.db, performanceFamily, settings, keys);
  });
  await Promise.all(stagers);
  staging = false;
  await Promise.all(derivers);
  await deriveAll(world.db, settings);

  const rows = await world.db.query<{ latest_grade: string; students: number }>(
    'SELECT latest_grade, count(*)::integer AS students FROM performance_features GROUP BY 1',
  );
  expect(rows).toEqual([{ latest_grade: `${CHANGES_EACH}.00`, students: STUDENTS }]);
});
