import { describe, expect, test } from 'vitest';
import { type EnrollmentObservation, readEnrollment } from '#libs/clean/enrollments.ts';
import { REJECTION_REASONS } from '#libs/clean/rejection.ts';
import { formatDay } from '#libs/domain/local-date.ts';
import { accepted, enrollmentRow, ms, NOON, reading, reasonOf, UTC } from './build.ts';

describe('an enrolment', () => {
  test('needs a student and a course', () => {
    expect(reasonOf(readEnrollment(enrollmentRow({ student_id: null }), UTC))).toBe('no_student');
    expect(reasonOf(readEnrollment(enrollmentRow({ course_id: null }), UTC))).toBe('no_course');
  });

  test.each([
    ['none', null],
    ["Moodle's never", ms('1970-01-01T00:00:00')],
    ['one before 2000', ms('1999-12-31T23:59:59.999')],
    ['one from 2200 on', ms('2200-01-01T00:00:00')],
  ])('may lack its time: %s is no time and no rejection', (_what, time) => {
    expect(readEnrollment(enrollmentRow({ enrolled_at: time }), UTC)).toEqual({ at: null, day: null });
  });

  test('has its time and its local day', () => {
    expect(readEnrollment(enrollmentRow(), UTC)).toEqual({ at: NOON, day: ms('2026-03-20T00:00:00') / 86_400_000 });
    // 23:00 on a summer's day in Paris is 21:00Z, and 02:30 of the next day in Kolkata.
    const row = enrollmentRow({ enrolled_at: ms('2026-07-20T23:00:00') });
    const { at, day } = accepted<EnrollmentObservation>(readEnrollment(row, reading('Europe/Paris', 'Asia/Kolkata')));
    expect(at).toBe(ms('2026-07-20T21:00:00'));
    expect(day === null ? null : formatDay(day)).toBe('2026-07-21');
  });
});

test('every reason of a rejection is explained', () => {
  for (const meaning of Object.values(REJECTION_REASONS)) expect(meaning.length).toBeGreaterThan(10);
});
