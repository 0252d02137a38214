import { expect, test } from 'vitest';
import { KeptAnswers, type StudentAnswer } from '#libs/serve/kept-answers.ts';

const answerOf = (studentId: number, bytes = 1): StudentAnswer<string> => ({
  studentId,
  sourceId: `uuid-${studentId}`,
  answer: `answer ${studentId}`,
  bytes,
});

function filled(mostBytes: number, ...answers: StudentAnswer<string>[]): KeptAnswers<string> {
  const kept = new KeptAnswers<string>(mostBytes);
  kept.keep(kept.beginReading(), answers);
  return kept;
}

test('an answer is found by both ids until its student changes', () => {
  const kept = filled(100, answerOf(1), answerOf(2));
  expect([kept.get('1'), kept.get('uuid-1'), kept.get('2')]).toEqual(['answer 1', 'answer 1', 'answer 2']);
  kept.change([1, 7]);
  expect([kept.get('1'), kept.get('uuid-1'), kept.get('2')]).toEqual([undefined, undefined, 'answer 2']);
  kept.change('any');
  expect(kept.get('2')).toBeUndefined();
});

test('what changes while it is read is not kept', () => {
  const kept = new KeptAnswers<string>(100);
  const began = kept.beginReading();
  kept.change([1]);
  kept.keep(began, [answerOf(1), answerOf(2)]);
  expect([kept.get('1'), kept.get('2')]).toEqual([undefined, 'answer 2']);
  const again = kept.beginReading();
  kept.change('any');
  kept.keep(again, [answerOf(3)]);
  expect(kept.get('3')).toBeUndefined();
});

test('readings overlap: one that began after the change is kept, one that began before is not', () => {
  const kept = new KeptAnswers<string>(100);
  const early = kept.beginReading();
  kept.change([1]);
  const late = kept.beginReading();
  kept.keep(late, [answerOf(1)]);
  expect(kept.get('1')).toBe('answer 1');
  kept.keep(early, [{ ...answerOf(1), answer: 'old' }]);
  expect(kept.get('1')).toBe('answer 1');
});

test('a change between two readings does not count against the second', () => {
  const kept = new KeptAnswers<string>(100);
  kept.keep(kept.beginReading(), []);
  kept.change([1]);
  kept.keep(kept.beginReading(), [answerOf(1)]);
  expect(kept.get('1')).toBe('answer 1');
});

test('where there is no more room, those go that nobody has asked for the longest', () => {
  const kept = filled(10, answerOf(1, 4), answerOf(2, 4));
  kept.get('1');
  kept.keep(kept.beginReading(), [answerOf(3, 4)]);
  expect([kept.get('1'), kept.get('2'), kept.get('3')]).toEqual(['answer 1', undefined, 'answer 3']);
  kept.keep(kept.beginReading(), [answerOf(4, 11)]);
  expect([kept.get('4'), kept.get('1')]).toEqual([undefined, undefined]);
});

test('a newer answer of a student takes the place of the one before', () => {
  const kept = filled(10, answerOf(1, 6));
  kept.keep(kept.beginReading(), [{ ...answerOf(1, 6), answer: 'new' }]);
  expect(kept.get('1')).toBe('new');
});
