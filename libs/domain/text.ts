/** Tab, line feed, vertical tab, form feed, carriage return and space. */
const isAsciiSpace = (code: number): boolean => code === 32 || (code >= 9 && code <= 13);

/** Without leading and trailing ASCII white space. In one pass: a pattern for the end would restart at each run of it. */
export function trimAscii(text: string): string {
  let [start, end] = [0, text.length];
  while (start < end && isAsciiSpace(text.charCodeAt(start))) start += 1;
  while (start < end && isAsciiSpace(text.charCodeAt(end - 1))) end -= 1;
  return text.slice(start, end);
}

/** True for text that is empty or only ASCII white space. */
export const isBlank = (text: string): boolean => /^[\t\n\v\f\r ]*$/.test(text);

/**
 * Replaces bytes that are not valid UTF-8, which a source with the encoding SQL_ASCII may contain. Unicode guarantees that it
 * is not a character, so no meaningful text contains it.
 */
export const NO_CHARACTER = '\uFFFF';

/** False for a text that contained invalid bytes. */
export const isText = (text: string): boolean => !text.includes(NO_CHARACTER);

/**
 * The text for a terminal, with control characters made visible. Names and errors from elsewhere may contain them, and could
 * otherwise erase a line and write another in its place.
 */
export const forTerminal = (text: string): string =>
  text.replaceAll(/(?![\t\n])\p{Cc}/gu, (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`);
