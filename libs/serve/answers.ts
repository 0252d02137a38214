import { z } from 'zod';

/** An instant as it is served: UTC, milliseconds, `2026-03-20T08:00:00.000Z`. */
export const instant = z.iso.datetime({ precision: 3 });

/** A day as it is served: `YYYY-MM-DD`, of the institution's zone. */
export const day = z.iso.date();

/** How many there are of something. */
export const count = z.int().min(0);

/** The greatest id that we can assign. */
export const MAX_INTEGER = 2 ** 31 - 1;

/** Our integer for a student or a course. */
export const ourId = z.int32().min(1);

/** An id of the source. It need not be a UUID of any version of the standard: Postgres accepts every one. */
export const sourceId = z.guid();

/** A column that may be unknown, which is served as null, never as 0. */
export const known = <S extends z.ZodType>(schema: S, description: string) => schema.nullable().meta({ description });

export const isoInstant = (value: Date | number | string | null): string | null =>
  value === null ? null : new Date(value).toISOString();

/** For a numeric, which the driver returns as text. */
export const decimalToNumber = (text: string | null): number | null => (text === null ? null : Number(text));

/** Converts an integer number of hundredths, millionths, … to the number itself. */
export const scaled = (integer: number | null, parts: number): number | null =>
  integer === null ? null : integer / parts;

/** The form of every refusal and failure. */
export const errorAnswer = z
  .strictObject({
    error: z.strictObject({
      code: z.string().meta({ description: 'Stable and machine-readable' }),
      message: z.string().meta({ description: 'What happened, and to what' }),
      hint: z.string().meta({ description: 'What to do' }),
      run_id: z.uuid().optional().meta({ description: 'Where a run stands in the way: which' }),
    }),
  })
  .meta({ id: 'Error' });
export type ErrorAnswer = z.output<typeof errorAnswer>;
