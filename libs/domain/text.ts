/** The tab, line feed, vertical tab, form feed, carriage return and the space. */
const isAsciiSpace = (code: number): boolean => code === 32 || (code >= 9 && code <= 13);

/** Without leading and trailing ASCII white space. In one pass: a pattern for the end would begin anew at each run of it. */
export function trimAscii(text: string): string {
  let [start, end] = [0, text.length];
  while (start < end && isAsciiSpace(text.charCodeAt(start))) start += 1;
  while (start < end && isAsciiSpace(text.charCodeAt(end - 1))) end -= 1;
  return text.slice(start, end);
}

/** True for text of ASCII white space alone. */
export const isBlank = (text: string): boolean => /^[\t\n\v\f\r ]*$/.test(text);

/**
 * Stands in a text for bytes that are none of UTF-8, as a source whose encoding is SQL_ASCII may hold them. Unicode has set
 * it apart: it is no character, and no text that anybody means contains it.
 */
export const NO_CHARACTER = '\uFFFF';

/** False for a text that holds bytes which are none. */
export const isText = (text: string): boolean => !text.includes(NO_CHARACTER);

/**
 * The text for a terminal. What would steer it, as the names and the errors of others may, is shown: a line may not be taken back,
 * and another written in its place.
 */
export const forTerminal = (text: string): string =>
  text.replaceAll(/(?![\t\n])\p{Cc}/gu, (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`);
