import { describe, expect, test } from 'vitest';
import { CourseHistory } from '#libs/dataset/course-history.ts';
import { factsOf } from '#libs/dataset/key-days.ts';
import { courseFeaturesOn, type RowsOfKey } from '#libs/dataset/key-rows.ts';
import { type LocalDay, MS_PER_DAY } from '#libs/domain/local-date.ts';
import type { FeatureSettings } from '#libs/families/settings.ts';
import { planCampus } from '../../services/sandbox/campus/people.ts';
import { sampleKeys } from '../features/sample.ts';
import { imagesOf } from '../report/campus.ts';
import { readKey } from '../report/judge.ts';
import { testSettings } from '../support/settings.ts';

/** Compares what a course's history says of each day with what is derived from only the rows up to that day. */
function expectSame(keys: readonly RowsOfKey[], days: readonly LocalDay[], settings: FeatureSettings): void {
  const last = days.at(-1) ?? 0;
  const history = new CourseHistory(last, settings);
  // Facts reach beyond the last requested day.
  const known = keys.map((rows) => factsOf(rows, last + 5));
  for (const key of known) history.add(key);
  expect(history.isInOrder).toBe(true);
  const byKey = known.map((key) => history.of(key)).map((on) => days.map(on));
  days.forEach((day, at) => {
    const ofDay = byKey.map((ofKey) => ofKey[at]);
    expect({ day, ofDay }).toEqual({ day, ofDay: courseFeaturesOn(keys, day, settings) });
  });
}

const daysBetween = (from: LocalDay, to: LocalDay, step = 1): LocalDay[] =>
  Array.from({ length: Math.floor((to - from) / step) + 1 }, (_, index) => from + index * step);

describe('the features of each day follow from the rows up to it', () => {
  const { today, zone, keys } = sampleKeys();
  const settings = testSettings();
  /** Among drawn rows few hand in the same item. */
  const ofSample = {
    ...settings,
    reading: { ...settings.reading, institutionZone: zone, sourceZone: zone },
    deriving: { ...settings.deriving, expectedShare: 10 },
  };

  test.each([0, 1, 2])('rows drawn from all that sources write, class %i', (n) => {
    const own = keys.filter((_, index) => index % 12 === n);
    expectSame(own, daysBetween(today - 110, today + 12, 5), ofSample);
  });

  test('few rows: courses that stand still, begin late, and are never begun', () => {
    keys.forEach((rows, index) => {
      if (index % 11 === 0) expectSame([rows], daysBetween(today - 66, today + 9, 2), ofSample);
    });
  });

  test('a sample campus', () => {
    const end = Date.UTC(2026, 4, 20, 14, 30);
    const campus = planCampus('as of', end, 30);
    for (const { id } of campus.courses) {
      const own = campus.enrollments.filter((key) => key.courseId === id);
      const rows = own.map((key) => readKey(imagesOf(campus, key)));
      expectSame(rows, daysBetween(end / MS_PER_DAY - 160, Math.floor(end / MS_PER_DAY), 8).map(Math.floor), settings);
    }
  });
});
