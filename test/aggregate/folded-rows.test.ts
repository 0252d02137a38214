import { describe, expect, test } from 'vitest';
import { ACTIVITY_RULES } from '#libs/aggregate/completions.ts';
import { ENROLMENT_RULES } from '#libs/aggregate/engagement.ts';
import { FoldedRows, type FoldRules } from '#libs/aggregate/folded-rows.ts';
import { completion, enrolment, view } from './build.ts';

/** A row of an item, such as `a=1@3` (a is 1 at time 3), on the day of that number unless `/day` names another. */
interface Row {
  readonly text: string;
  readonly item: string;
  readonly value: number;
  readonly at: number;
  readonly day: number;
}
const RULES: FoldRules<Row> = {
  subject: ({ item }) => item,
  same: (a, b) => a.value === b.value,
  compare: (a, b) => a.value - b.value,
  at: ({ at }) => at,
  day: ({ day }) => day,
};
const row = (text: string): Row => {
  const [, item = '', value, at, day] = /^(\w)=(\d+)@(\d+)(?:\/(\d+))?$/.exec(text) ?? [];
  return { text, item, value: Number(value), at: Number(at), day: Number(day ?? at) };
};
const rows = (texts: string): Row[] => texts.split(' ').map(row);
const left = (result: FoldedRows<Row>): string =>
  result
    .rows()
    .map(({ text }) => text)
    .sort()
    .join(' ');

/** Rows that arrived together. */
function folded<O>(rules: FoldRules<O>, given: readonly O[]): FoldedRows<O> {
  const result = new FoldedRows(rules);
  expect(result.add(given)).toBe(true);
  return result;
}
const fold = (texts: string): string => left(folded(RULES, rows(texts)));
/** Folded rows have no particular order. */
const setOf = <O>(rules: FoldRules<O>, given: readonly O[]): Set<O> => new Set(folded(rules, given).rows());

describe('of each subject', () => {
  test('the first row of every run of equal ones is left', () => {
    expect(fold('a=1@1 a=1@2 a=1@3')).toBe('a=1@1');
    expect(fold('a=1@1 a=2@2 a=2@3 a=1@4 a=1@5')).toBe('a=1@1 a=1@4 a=2@2');
    expect(fold('a=1@1 b=1@2 a=1@3 b=2@4 b=2@5')).toBe('a=1@1 b=1@2 b=2@4');
  });

  test('in whatever order the rows come', () => {
    expect(fold('a=1@5 a=2@3 a=1@1 a=2@2 a=1@4')).toBe('a=1@1 a=1@4 a=2@2');
  });

  test('the greatest of one time holds, and is kept beside one that says something new', () => {
    expect(fold('a=1@1 a=2@1')).toBe('a=1@1 a=2@1');
    expect(fold('a=2@1 a=2@2 a=1@2')).toBe('a=1@2 a=2@1 a=2@2');
    expect(fold('a=2@1 a=1@2 a=2@2 a=2@3 a=1@3')).toBe('a=1@2 a=2@1 a=2@2');
    expect(fold('a=3@1 a=2@2 a=3@2 a=1@2 a=3@3 a=1@3 a=2@3')).toBe('a=1@2 a=2@2 a=3@1 a=3@2');
  });

  test('what was outranked is kept once, and again where the day falls', () => {
    expect(fold('a=2@1/5 a=1@1/5 a=2@2/5 a=1@2/5 a=3@3/5')).toBe('a=1@1/5 a=2@1/5 a=3@3/5');
    expect(fold('a=2@1/5 a=1@1/5 a=2@2/4 a=1@2/4')).toBe('a=1@1/5 a=1@2/4 a=2@1/5 a=2@2/4');
  });

  test('a run ends where the day falls', () => {
    expect(fold('a=1@1/5 a=1@2/5 a=1@3/6')).toBe('a=1@1/5');
    expect(fold('a=1@1/5 a=1@2/4 a=1@3/4')).toBe('a=1@1/5 a=1@2/4');
    expect(fold('a=2@1/5 a=1@2/5 a=2@2/5 a=1@3/4 a=2@3/5')).toBe('a=1@2/5 a=1@3/4 a=2@1/5 a=2@2/5 a=2@3/5');
  });
});

describe('rows that come later', () => {
  const begun = (): FoldedRows<Row> => folded(RULES, rows('a=1@2 a=1@3 a=2@5 a=2@7'));

  test('go on where those before them ended', () => {
    const given = begun();
    expect(given.add(rows('a=2@8 a=3@9 b=1@1'))).toBe(true);
    expect(left(given)).toBe('a=1@2 a=2@5 a=3@9 b=1@1');
  });

  test('change nothing where they say what held in their past', () => {
    for (const same of ['a=1@2', 'a=1@4', 'a=2@5', 'a=2@6', 'a=2@7', 'a=1@3 a=2@6']) {
      const given = begun();
      expect(given.add(rows(same)), same).toBe(true);
      expect(left(given), same).toBe('a=1@2 a=2@5');
    }
  });

  test('want all rows folded anew where they say something else of the past', () => {
    for (const other of ['a=2@4', 'a=1@6', 'a=1@1', 'a=1@7', 'a=1@3 a=1@6', 'a=2@7/4', 'a=1@3 a=2@3'])
      expect(begun().add(rows(other)), other).toBe(false);
  });

  test('find the same in what was kept', () => {
    const kept = new FoldedRows(RULES, begun().kept());
    expect(kept.add(rows('a=2@8 a=1@3'))).toBe(true);
    expect(left(kept)).toBe('a=1@2 a=2@5');
    expect(kept.add(rows('a=1@6'))).toBe(false);
    const again = new FoldedRows(RULES, folded(RULES, rows('a=1@1 a=2@1')).kept());
    expect(again.add(rows('a=2@2 a=1@2'))).toBe(true);
    expect(left(again)).toBe('a=1@1 a=2@1');
  });

  test('leave what was kept before as it was', () => {
    const given = begun();
    const kept = given.kept();
    new FoldedRows(RULES, kept).add(rows('a=3@9 a=1@9'));
    expect(left(given)).toBe('a=1@2 a=2@5');
    expect(given.kept()).toEqual([{ runs: rows('a=1@2 a=2@5'), outranked: [], until: 7 }]);
  });
});

describe('of activity', () => {
  test('a completion that says the state again says nothing; of each resource by itself', () => {
    const [first, again, other, done] = [
      completion('2026-03-01', 0, 'page'),
      completion('2026-03-02', 0, 'page'),
      completion('2026-03-02', 0, 'quiz'),
      completion('2026-03-03', 1, 'page'),
    ];
    expect(setOf(ACTIVITY_RULES, [first, again, other, done])).toEqual(new Set([first, done, other]));
  });

  test('of completions of one time passed holds before done, done before failed, failed before not done', () => {
    const at = (state: 0 | 1 | 2 | 3) => completion('2026-03-01', state, 'page');
    const { compare } = ACTIVITY_RULES;
    expect([compare(at(2), at(1)), compare(at(1), at(3)), compare(at(3), at(0))].map(Math.sign)).toEqual([1, 1, 1]);
    expect([compare(at(0), at(0)), compare(at(0), at(2))].map(Math.sign)).toEqual([0, -1]);
  });

  test('events that say the very same are one, and no event is like a completion', () => {
    const [one, same, later] = [view('2026-03-01', 'page'), view('2026-03-01', 'page'), view('2026-03-02', 'page')];
    const state = completion('2026-03-01', 0, 'page');
    expect(setOf(ACTIVITY_RULES, [one, same, later, state])).toEqual(new Set([one, later, state]));
    expect(ACTIVITY_RULES.same(one, later)).toBe(true);
    expect(ACTIVITY_RULES.same(state, completion('2026-03-02', 1, 'page'))).toBe(false);
  });
});

test('of enrolments those of one time are one, and those without a date', () => {
  const given = ['2026-03-01', '2026-03-01', '2026-03-02', null, null].map(enrolment);
  expect(setOf(ENROLMENT_RULES, given)).toEqual(new Set(['2026-03-01', '2026-03-02', null].map(enrolment)));
});
