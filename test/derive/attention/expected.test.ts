import { describe, expect, test } from 'vitest';
import { classOf, daily, every, handsIn, LAST, member } from './build.ts';

/** Of `all` keys that attend every day, one hands in the essay on each of these days. */
const handing = (all: number, ...onDays: readonly number[]) =>
  daily(all, (index) => {
    const day = onDays[index];
    return { handedIn: day === undefined ? [] : [handsIn('essay', day)] };
  });
const times = (n: number, day: number): number[] => Array.from({ length: n }, () => day);
const expectedFrom = (members: ReturnType<typeof daily>, share?: number): number | undefined =>
  classOf(members, {}, share === undefined ? {} : { expectedShare: share }).expected[0]?.from;

describe('an item is expected from the first day on which three quarters of those attending had handed it in', () => {
  test('with 75 of a hundred, not with 74', () => {
    expect(expectedFrom(handing(100, ...times(74, 20)))).toBeUndefined();
    expect(expectedFrom(handing(100, ...times(75, 20)))).toBe(21);
    expect(expectedFrom(handing(100, ...times(74, 20)), 74)).toBe(21);
  });

  test('with six of eight; seven of ten are too few', () => {
    expect(expectedFrom(handing(8, ...times(6, 20)))).toBe(21);
    expect(expectedFrom(handing(8, ...times(5, 20)))).toBeUndefined();
    expect(expectedFrom(handing(10, ...times(7, 20)))).toBeUndefined();
  });

  test('the day after the last of them: a deadline that is moved moves it', () => {
    expect(expectedFrom(handing(8, 20, 20, 20, 20, 20, 33))).toBe(34);
    expect(expectedFrom(handing(8, 40, 41, 42, 43, 44, 47, 60, 61))).toBe(48);
  });

  test('not on the day itself: as of day 20 nothing handed in on day 20 is expected', () => {
    expect(classOf(handing(8, ...times(8, 20)), { asOf: 20 }).expected).toEqual([]);
    expect(classOf(handing(8, ...times(8, 20)), { asOf: 21 }).expected).toHaveLength(1);
  });

  test('from then on, whoever comes after: it is named once', () => {
    const late = Array.from({ length: 20 }, () => member({ activeDays: every(50, LAST) }));
    expect(classOf([...handing(8, ...times(6, 20)), ...late]).expected).toEqual([
      { source: 'submission', item: 'essay', from: 21 },
    ]);
  });

  test('in a class of fewer than eight nothing is', () => {
    expect(expectedFrom(handing(7, ...times(7, 20)))).toBeUndefined();
  });

  test('nor what nobody has handed in', () => {
    expect(classOf(handing(8)).expected).toEqual([]);
  });
});

describe('only who attends on the day is counted', () => {
  test('who left is not waited for', () => {
    // Last active on day 10, and so attending until day 38: from then on six of eight have it.
    const two = [member({ activeDays: [10] }), member({ activeDays: [10] })];
    expect(expectedFrom([...handing(8, ...times(6, 20)), ...two])).toBe(39);
  });

  test('nor what they handed in, once they are gone', () => {
    const gone = member({ activeDays: [10], handedIn: [handsIn('essay', 10)] });
    // Including them, six of nine; once the sixth of those who stay hands in on day 50, six of eight without them.
    expect(expectedFrom([...handing(8, 20, 20, 20, 20, 20), gone])).toBeUndefined();
    expect(expectedFrom([...handing(8, 20, 20, 20, 20, 20, 50), gone])).toBe(51);
  });

  // Six of nine; with four more who have it, ten of thirteen.
  const nine = handing(9, ...times(6, 40));
  const four = (key: Parameters<typeof member>[0]) => Array.from({ length: 4 }, () => member(key));

  test('what was handed in before they came back counts when they do', () => {
    expect(expectedFrom([...nine, ...four({ activeDays: [0, 60], handedIn: [handsIn('essay', 0)] })])).toBe(61);
  });

  test('and what was handed in without an active day counts from the day they come', () => {
    expect(expectedFrom([...nine, ...four({ activeDays: [70], handedIn: [handsIn('essay', 5)] })])).toBe(71);
  });
});

test('each source has its own items of one name, in order of day, source and item', () => {
  const members = daily(8, () => ({
    handedIn: [
      handsIn('quiz', 9, 'completion'),
      handsIn('quiz', 9),
      handsIn('essay', 9),
      handsIn('quiz', 7, 'grade'),
      handsIn('Quiz', 9),
    ],
  }));
  expect(classOf(members).expected.map(({ source, item, from }) => `${from} ${source} ${item}`)).toEqual([
    '8 grade quiz',
    '10 submission Quiz',
    '10 submission essay',
    '10 submission quiz',
    '10 completion quiz',
  ]);
});

describe('the work source', () => {
  const graded = (from: number, grade: number | null = 5000) =>
    daily(8, () => ({ grades: [{ from, item: 'e', grade }] }));
  const sources = (...args: Parameters<typeof classOf>) =>
    classOf(...args).sources.map(({ from, source }) => `${from} ${source}`);

  test('is none where nothing is covered', () => {
    expect(sources(daily(8))).toEqual([]);
    expect(sources(graded(20, null))).toEqual([]);
  });

  test('is the one there is, from the day after it is there', () => {
    expect(sources(daily(8), { submissionFrom: 10 })).toEqual(['11 submission']);
    expect(sources(daily(8), { notDoneFrom: 10 })).toEqual(['11 completion']);
    expect(sources(graded(10))).toEqual(['11 grade']);
    expect(sources(daily(8), { submissionFrom: LAST })).toEqual([]);
    expect(sources(daily(8), { submissionFrom: LAST - 1 })).toEqual([`${LAST} submission`]);
  });

  test('stays grades when the only grade is taken back', () => {
    const steps = [
      { from: 10, item: 'e', grade: 5000 },
      { from: 20, item: 'e', grade: null },
    ];
    expect(sources(daily(8, () => ({ grades: steps })))).toEqual(['11 grade']);
  });

  test('changes to one that is preferred when that comes, and never back', () => {
    expect(sources(graded(30), { submissionFrom: 50, notDoneFrom: 10 })).toEqual([
      '11 completion',
      '31 grade',
      '51 submission',
    ]);
    expect(sources(graded(30), { submissionFrom: 20, notDoneFrom: 40 })).toEqual(['21 submission']);
    expect(sources(graded(20), { submissionFrom: 20, notDoneFrom: 20 })).toEqual(['21 submission']);
  });
});
