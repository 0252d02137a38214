import { describe, expect, test } from 'vitest';
import { isBlank, trimAscii } from '#libs/domain/text.ts';

const NBSP = '\u00a0';
const EM_SPACE = '\u2003';
const BOM = '\ufeff';

describe('ASCII white space', () => {
  test.each([
    ['space', ' '],
    ['tab', '\t'],
    ['line feed', '\n'],
    ['vertical tab', '\v'],
    ['form feed', '\f'],
    ['carriage return', '\r'],
  ])('%s is trimmed at both ends, and blank alone', (_name, space) => {
    expect(trimAscii(`${space}a${space}b${space}`)).toBe(`a${space}b`);
    expect(trimAscii(`${space}${space}`)).toBe('');
    expect(isBlank(space)).toBe(true);
  });

  test.each([
    ['no-break space', NBSP],
    ['em space', EM_SPACE],
    ['byte order mark', BOM],
    ['next line', '\u0085'],
    ['unit separator', '\u001f'],
    ['zero width space', '\u200b'],
  ])('%s is none of it', (_name, character) => {
    expect(trimAscii(`${character}a${character}`)).toBe(`${character}a${character}`);
    expect(isBlank(character)).toBe(false);
  });

  test('a million spaces between two words are passed once', () => {
    const gap = ' '.repeat(1_000_000);
    expect(trimAscii(`${gap}a${gap}b${gap}`)).toBe(`a${gap}b`);
  });

  test('the empty text is blank', () => {
    expect(isBlank('')).toBe(true);
  });
});
