import { afterAll, beforeAll, expect, test } from 'vitest';
import type { AnyRowChange } from '#libs/domain/change.ts';
import { MS_PER_DAY } from '#libs/domain/local-date.ts';
import { stageBatch } from '#libs/store/images/stage.ts';
import { beginCalendar } from '#libs/store/keys/calendar.ts';
import { COURSES, FIRST_TODAY, STUDENTS } from '../property/rows.ts';
import { World } from '../property/world.ts';
import { deriveAll } from '../support/derive-all.ts';
import { Gate, heldAfter } from '../support/interpose.ts';
import { testSettings } from '../support/settings.ts';
import { erase, rowsNaming, studentIdOf } from './support.ts';

const settings = testSettings();
const [ANN] = STUDENTS as [string];
let world: World;

beforeAll(async () => {
  world = await World.create('erase_lock');
  await beginCalendar(world.db, FIRST_TODAY);
});
afterAll(() => world.drop());

const grade = (n: number): AnyRowChange => ({
  table: 'grades',
  op: 'create',
  id: `20000000-0000-4000-8000-${String(n).padStart(12, '0')}`,
  position: { epoch: 1, lsn: BigInt(100 + n) },
  after: {
    student_id: ANN,
    course_id: COURSES[0] ?? null,
    grade_item: `item ${n}`,
    grade_value: '10',
    grade_max: '20',
    timestamp: FIRST_TODAY * MS_PER_DAY,
  },
});

test('a batch that has begun, and knows the student, finds the student refused who is erased before it has its lock', async () => {
  await stageBatch(world.db, { changes: [grade(1)] }, settings.reading);
  await deriveAll(world.db, settings);
  const studentId = (await studentIdOf(world.db, ANN)) ?? 0;
  const gate = new Gate();
  const held = heldAfter(world.db, 'identity_find', gate);
  const staging = stageBatch(held, { changes: [grade(2)] }, settings.reading);
  await gate.reached;
  await erase(world.db, ANN);
  gate.open();
  await staging;
  await deriveAll(world.db, settings);
  expect(await rowsNaming(world.db, ANN, studentId)).toEqual([]);
});
