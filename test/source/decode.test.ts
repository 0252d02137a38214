import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { widenXid } from '#libs/source/pgoutput/assemble.ts';
import { decodeTimestamp, decodeValue, rowChange } from '#libs/source/postgres/decode.ts';

const two = (n: number): string => String(n).padStart(2, '0');

/** As Postgres writes it in ISO style, without trailing zeros in the fraction. */
function isoStyle(date: Date, micros: number): string {
  const year = date.getUTCFullYear();
  const shown = String(year > 0 ? year : 1 - year).padStart(4, '0');
  const day = `${shown}-${two(date.getUTCMonth() + 1)}-${two(date.getUTCDate())}`;
  const time = `${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())}`;
  const fraction = micros === 0 ? '' : `.${String(micros).padStart(6, '0').replace(/0+$/, '')}`;
  return `${day} ${time}${fraction}${year > 0 ? '' : ' BC'}`;
}

describe('timestamps', () => {
  test.each([
    ['that a JavaScript date can hold', -8_640_000_000_000, 8_640_000_000_000 - 1],
    ['of years of four digits', Date.UTC(1000, 0, 1) / 1000, Date.UTC(10_000, 0, 1) / 1000 - 1],
  ])('every second %s, with every microsecond, is cut to its millisecond', (_, min, max) => {
    const second = fc.integer({ min, max });
    fc.assert(
      fc.property(second, fc.integer({ min: 0, max: 999_999 }), (seconds, micros) => {
        const text = isoStyle(new Date(seconds * 1000), micros);
        expect(decodeTimestamp(text)).toBe(seconds * 1000 + Math.floor(micros / 1000));
      }),
      { numRuns: 2000 },
    );
  });

  test('the first two centuries are themselves', () => {
    expect(decodeTimestamp('0050-06-07 08:09:10')).toBe(new Date('0050-06-07T08:09:10Z').getTime());
    expect(decodeTimestamp('0001-01-01 00:00:00 BC')).toBe(new Date('0000-01-01T00:00:00Z').getTime());
    expect(decodeTimestamp('4713-01-01 00:00:00 BC')).toBe(new Date('-004712-01-01T00:00:00Z').getTime());
  });

  test('what a number cannot hold is null, as are the infinities; anything else is an error', () => {
    expect(decodeTimestamp('infinity')).toBeNull();
    expect(decodeTimestamp('-infinity')).toBeNull();
    expect(decodeTimestamp('294276-12-31 23:59:59.999999')).toBeNull();
    expect(decodeTimestamp('275760-09-13 00:00:00')).toBe(8_640_000_000_000_000);
    for (const text of ['31.12.2024 10:00:00', '2024-01-01', '2024-01-01T00:00:00', '2024-01-01 00:00:00+00', '']) {
      expect(() => decodeTimestamp(text)).toThrow(RangeError);
    }
  });
});

test('uuids are lower-case, all else stays as it is', () => {
  expect(decodeValue('uuid', '8B2E0A4C-1111-4222-8333-ABCDEFABCDEF')).toBe('8b2e0a4c-1111-4222-8333-abcdefabcdef');
  expect(decodeValue('numeric', '-0.00')).toBe('-0.00');
  expect(decodeValue('numeric', 'Infinity')).toBe('Infinity');
  expect(decodeValue('integer', '9007199254740993')).toBe('9007199254740993');
});

test('a column that was not sent is absent, one that is null is null', () => {
  const stamp = { position: { epoch: 1, lsn: 5n } };
  const change = rowChange('enrollments', 'update', 'AB', stamp, (column) =>
    column.name === 'student_id' ? undefined : null,
  );
  expect(change).toStrictEqual({
    table: 'enrollments',
    op: 'update',
    id: 'ab',
    position: { epoch: 1, lsn: 5n },
    after: { course_id: null, enrolled_at: null },
  });
});

test('a transaction id is widened to the one nearest to a known one', () => {
  const near = fc.bigInt({ min: -(1n << 31n) + 1n, max: (1n << 31n) - 1n });
  fc.assert(
    fc.property(fc.bigInt({ min: 1n << 32n, max: 1n << 60n }), near, (reference, distance) => {
      const full = reference + distance;
      expect(widenXid(Number(BigInt.asIntN(32, full)), reference)).toBe(full);
      expect(widenXid(Number(BigInt.asUintN(32, full)), reference)).toBe(full);
    }),
  );
});
