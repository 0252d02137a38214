import { describe, expect, test } from 'vitest';
import { PrepaError } from '#libs/domain/errors.ts';
import { forTerminal, isBlank, trimAscii } from '#libs/domain/text.ts';
import { explain } from '#libs/platform/program.ts';
import { StatusLine } from '#libs/platform/status-line.ts';

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

describe('what would steer a terminal is shown', () => {
  const ODD = 'the table \u001b[2J\u001b]0;mine\u0007 is\r\u009b31m gone';
  const SHOWN = String.raw`the table \x1b[2J\x1b]0;mine\x07 is\x0d\x9b31m gone`;

  test('in a text, whose lines and letters stay', () => {
    expect(forTerminal(ODD)).toBe(SHOWN);
    expect(forTerminal('one\n\ttwo: é عمر 🙂')).toBe('one\n\ttwo: é عمر 🙂');
  });

  test('in an error, whoever has said it', () => {
    expect(explain(new PrepaError('odd', ODD, 'look'))).toBe(`${SHOWN}\n  look`);
    expect(explain(Object.assign(new Error(ODD), { code: 'XX000' }))).toBe(`${SHOWN} (XX000)`);
  });

  test.each([true, false])('on the line of progress, on a terminal: %s', (isTTY) => {
    const written: string[] = [];
    const line = new StatusLine({
      isTTY,
      write: (text: string) => written.push(text),
    } as unknown as NodeJS.WriteStream);
    line.show('waiting', ODD);
    line.print(ODD);
    expect(written.filter((text) => text.includes(SHOWN))).toHaveLength(2);
    expect(written.join('')).not.toContain('[2J\u001b');
  });
});
