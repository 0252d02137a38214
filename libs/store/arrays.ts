/** An array of integers in Postgres' text form, exactly as Postgres writes it. */
export const arrayText = (values: readonly (number | null)[]): string =>
  `{${JSON.stringify(values).slice(1, -1).replaceAll('null', 'NULL')}}`;

/** The integers of such a text: many times faster than the driver, which parses every array character by character. */
export const parseArray = (text: string): (number | null)[] =>
  JSON.parse(`[${text.slice(1, -1).replaceAll('NULL', 'null')}]`) as (number | null)[];

/** An array of texts in the same form. */
export const textArray = (values: readonly string[]): string =>
  `{${values.map((value) => `"${value.replaceAll(/["\\]/g, '\\$&')}"`).join(',')}}`;
