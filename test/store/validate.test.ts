import { expect, test } from 'vitest';
import type { Zone } from '#libs/domain/zone.ts';
import { validateImage } from '#libs/store/images/validate.ts';
import { testSettings } from '../support/settings.ts';

test('a row that cannot be read for an error of ours is rejected by itself', () => {
  const { reading } = testSettings();
  const broken: Zone = {
    ...reading.sourceZone,
    toInstant: () => {
      throw new RangeError('Maximum call stack size exceeded');
    },
  };
  const columns = { student_id: 1, course_id: 1, timestamp: 1_770_000_000_000, activity_type: 'view' };
  expect(validateImage('activity_logs', columns, { ...reading, sourceZone: broken }).reason).toBe('internal_error');
  expect(validateImage('grades', { ...columns, grade_item: 'a' }, { ...reading, sourceZone: broken }).reason).toBe(
    'internal_error',
  );
});
