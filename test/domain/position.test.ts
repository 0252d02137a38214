import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  comparePositions,
  formatLsn,
  formatPosition,
  laterPosition,
  type Position,
  parseLsn,
  snapshotPosition,
} from '#libs/domain/position.ts';

const position = (epoch: number, lsn: bigint): Position => ({ epoch, lsn });
const GREATEST_LSN = 2n ** 64n - 1n;

describe('the text of a log sequence number', () => {
  test.each([
    ['0/0', 0n],
    ['0/1', 1n],
    ['0/FFFFFFFF', 2n ** 32n - 1n],
    ['1/0', 2n ** 32n],
    ['16/B374D848', 0x16b374d848n],
    ['FFFFFFFF/FFFFFFFF', GREATEST_LSN],
  ])('%s is read and written without loss', (text, lsn) => {
    expect(parseLsn(text)).toBe(lsn);
    expect(formatLsn(lsn)).toBe(text);
  });

  test('is read in lower case and with leading zeros too', () => {
    expect(parseLsn('16/b374d848')).toBe(0x16b374d848n);
    expect(parseLsn('00000001/00000002')).toBe(2n ** 32n + 2n);
  });

  test.each([
    '',
    '16',
    '16/',
    '/B374D848',
    '16/B374D848/0',
    '1/123456789',
    '123456789/1',
    'G/1',
    '-1/0',
    ' 0/1',
    '0/1 ',
  ])('"%s" is refused, and the message shows it', (text) => {
    expect(() => parseLsn(text)).toThrow(RangeError);
    expect(() => parseLsn(text)).toThrow(`"${text}"`);
  });

  test('any 64-bit number survives the way there and back', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: GREATEST_LSN }), (lsn) => {
        expect(parseLsn(formatLsn(lsn))).toBe(lsn);
      }),
    );
  });

  test('a position shows its epoch before it', () => {
    expect(formatPosition(position(3, 0x16b374d848n))).toBe('3:16/B374D848');
    expect(formatPosition(snapshotPosition(1))).toBe('1:0/0');
  });
});

describe('the order of positions', () => {
  /** From the earliest to the latest: by epoch, then by the number within it. */
  const ascending = [
    snapshotPosition(1),
    position(1, 1n),
    position(1, 2n ** 53n),
    position(1, 2n ** 53n + 1n),
    position(1, GREATEST_LSN),
    snapshotPosition(2),
    position(2, 1n),
  ];

  test('is that of epochs, then of log sequence numbers, exactly beyond 2^53', () => {
    ascending.forEach((a, i) => {
      ascending.forEach((b, j) => {
        expect(Math.sign(comparePositions(a, b))).toBe(Math.sign(i - j));
      });
    });
  });

  test('any streamed change of an epoch beats the rows of its snapshot', () => {
    expect(comparePositions(position(4, 1n), snapshotPosition(4))).toBeGreaterThan(0);
  });

  test('the later of two is found, and none is before any', () => {
    const early = position(1, 9n);
    const late = position(2, 3n);
    expect(laterPosition(early, late)).toEqual(late);
    expect(laterPosition(late, early)).toEqual(late);
    expect(laterPosition(null, early)).toEqual(early);
    expect(laterPosition(early, null)).toEqual(early);
    expect(laterPosition(null, null)).toBeNull();
  });
});
