import { describe, expect, test } from 'vitest';
import { engagementFacts } from '#libs/aggregate/engagement.ts';
import type { EventObservation } from '#libs/clean/activity-logs.ts';
import type { GradeObservation } from '#libs/clean/grades.ts';
import { gradeChanges } from '#libs/derive/anomaly/graded.ts';
import { handedInOf } from '#libs/derive/attention/handed-in.ts';
import { type ClassMember, memberOf } from '#libs/derive/attention/member.ts';
import { completion, event, grade, view } from '../../aggregate/build.ts';
import { AS_OF, ago, deriving } from '../build.ts';

type Activities = Parameters<typeof engagementFacts>[0];
/** `source item days-ago` */
const handedIn = (...rows: Activities): string[] =>
  handedInOf(engagementFacts(rows, AS_OF)).map(({ source, item, day }) => `${source} ${item} ${AS_OF - day}`);
const submits = (daysAgo: number, resource: string | null, type: EventObservation['type'] = 'submission') =>
  event(ago(daysAgo), { type, resource });

describe('handed in is', () => {
  test('the resource of a submission or a quiz attempt, on the first day of either', () => {
    expect(handedIn(submits(5, 'essay'), submits(9, 'essay'), submits(7, 'quiz', 'quiz_attempt'))).toEqual([
      'submission essay 9',
      'submission quiz 7',
    ]);
    expect(handedIn(submits(5, 'essay'), submits(9, 'essay', 'quiz_attempt'))).toEqual(['submission essay 9']);
  });

  test('nothing that names no resource, and nothing that was only looked at', () => {
    expect(handedIn(submits(5, null), view(ago(5), 'essay'))).toEqual([]);
  });

  test('what was completed, on the first day it was done', () => {
    expect(
      handedIn(completion(ago(9), 0, 'page'), completion(ago(5), 1, 'page'), completion(ago(2), 1, 'page')),
    ).toEqual(['completion page 5']);
    expect(handedIn(completion(ago(9), 0, 'page'))).toEqual([]);
  });

  test('in order of source, day and item', () => {
    const earlier = event(ago(5, '08:00'), { type: 'submission', resource: 'b' });
    expect(
      handedIn(
        completion(ago(9), 1, 'page'),
        completion(ago(12), 1, 'quiz'),
        earlier,
        submits(5, 'a'),
        submits(5, 'c'),
        submits(9, 'd'),
      ),
    ).toEqual([
      'submission d 9',
      'submission a 5',
      'submission b 5',
      'submission c 5',
      'completion quiz 12',
      'completion page 9',
    ]);
  });

  test('once done it was, whatever is said later', () => {
    expect(
      handedIn(completion(ago(9), 0, 'page'), completion(ago(5), 1, 'page'), completion(ago(2), 0, 'page')),
    ).toEqual(['completion page 5']);
  });

  test('what was done before we looked, on the day of its first row', () => {
    expect(handedIn(completion(ago(6), 1, 'page'))).toEqual(['completion page 6']);
  });
});

describe('a graded item is handed in on the day from which it is graded for the first time', () => {
  const of = (...rows: readonly GradeObservation[]): ClassMember =>
    memberOf([], [], gradeChanges(rows, AS_OF, deriving()));

  test('however often it is regraded', () => {
    expect(of(grade('essay', '40', ago(9)), grade('essay', '60', ago(4))).handedIn).toEqual([
      { source: 'grade', item: 'essay', day: AS_OF - 9 },
    ]);
  });

  test('not by a grade of 0 that says ungraded', () => {
    expect(of(grade('essay', '0', ago(9)))).toEqual({ activeDays: [], handedIn: [], grades: [] });
    expect(of(grade('essay', '0', ago(9)), grade('essay', '60', ago(4))).handedIn).toMatchObject([{ day: AS_OF - 4 }]);
  });

  test('still, when the grade is taken back: the grade is gone, the work is not', () => {
    const key = of(grade('essay', '40', ago(9)), grade('essay', null, ago(4)));
    expect(key.handedIn).toMatchObject([{ day: AS_OF - 9 }]);
    expect(key.grades.map(({ grade: held }) => held)).toEqual([4000, null]);
  });

  test('not from a day on which it has none', () => {
    const grade = { points: '40', max: '100', day: 5, at: 0 };
    const changes = [
      { from: 3, item: 'essay', grade: null },
      { from: 5, item: 'essay', grade },
    ];
    expect(memberOf([], [], changes).handedIn).toMatchObject([{ day: 5 }]);
  });

  test('not by the grade of the whole course, nor by one of a category', () => {
    expect(of(grade('course', '40', ago(9)), grade('category', '50', ago(9))).handedIn).toEqual([]);
  });

  test('beside what was handed in otherwise', () => {
    const submitted = [{ source: 'submission', item: 'essay', day: AS_OF - 12 }] as const;
    const key = memberOf([3], submitted, gradeChanges([grade('essay', '40', ago(9))], AS_OF, deriving()));
    expect(key.handedIn.map(({ source }) => source)).toEqual(['submission', 'grade']);
  });

  test('grades are hundredths of a percent of the item, rounded half away', () => {
    const hundredths = (value: string, max: string) => of(grade('essay', value, ago(9), max)).grades[0]?.grade;
    expect(hundredths('1', '3')).toBe(3333);
    expect(hundredths('2', '3')).toBe(6667);
    // 1 of 16 is 6.25 %; 1 of 160 is .625 %, a tie.
    expect(hundredths('1', '16')).toBe(625);
    expect(hundredths('1', '160')).toBe(63);
  });
});
