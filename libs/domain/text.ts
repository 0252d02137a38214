/** Without leading and trailing ASCII white space. */
export const trimAscii = (text: string): string => text.replace(/^[\t\n\v\f\r ]+|[\t\n\v\f\r ]+$/g, '');

/** True for text of ASCII white space alone. */
export const isBlank = (text: string): boolean => /^[\t\n\v\f\r ]*$/.test(text);
