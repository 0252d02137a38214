import { expect, test } from 'vitest';
import { isRejected, readOrReject, rejected } from '#libs/clean/rejection.ts';

test('a row that makes its reader fail is rejected, as an error of ours', () => {
  const fail = (): object => {
    throw new RangeError('too deep');
  };
  expect(readOrReject(fail)).toEqual(rejected('internal_error'));
  expect(isRejected(readOrReject(fail))).toBe(true);
});

test('what a reader says of a row holds, whether it reads it or not', () => {
  const read = { day: 3 };
  expect(readOrReject(() => read)).toBe(read);
  expect(isRejected(read)).toBe(false);
  expect(readOrReject(() => rejected('no_time'))).toEqual({ rejected: 'no_time' });
});
