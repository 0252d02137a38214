import { expect, test } from 'vitest';
import { parseAsOfDays } from '#libs/dataset/as-of-days.ts';
import { formatDay } from '#libs/domain/local-date.ts';

test('days and spans, ascending, each once', () => {
  expect(parseAsOfDays('2026-03-08, 2026-03-01..2026-03-09/7d').map(formatDay)).toEqual(['2026-03-01', '2026-03-08']);
});

test('a span of all the years there are is refused at once', () => {
  const began = performance.now();
  for (let times = 0; times < 5; times += 1)
    expect(() => parseAsOfDays('0001-01-01..9999-12-31')).toThrow('names more than 5000 days');
  // Counting its 3.7 million days took seconds each time, on the thread that answers everybody.
  expect(performance.now() - began).toBeLessThan(3_000);
});
