import type { LocalMillis } from '#libs/domain/change.ts';
import { ConfigurationError } from '#libs/domain/errors.ts';
import { DAY, dateText } from '../local-time.ts';
import { readTable, wholeOrNull } from './dataset.ts';

export interface Assessment {
  readonly id: string;
  readonly type: string;
  /** Days from the start of the presentation; null if unknown. */
  readonly dueDay: number | null;
}

/** What has to be known about a presentation before its first row can be written. */
export interface Presentation {
  readonly name: string;
  readonly module: string;
  readonly code: string;
  readonly assessments: ReadonlyMap<string, Assessment>;
  /** The last day with a click or a submission, counted from the presentation's start. */
  readonly lastDay: number;
}

/** `AAA-2013J`. */
const nameOf = (row: { code_module: string; code_presentation: string }): string =>
  `${row.code_module}-${row.code_presentation}`;

/** @throws ConfigurationError for a presentation without click rows, listing those that have some */
export async function surveyPresentation(directory: string, name: string): Promise<Presentation> {
  const lastClick = new Map<string, number>();
  for await (const row of readTable(directory, 'studentVle')) {
    const each = nameOf(row);
    const day = Number(row.date);
    if (day > (lastClick.get(each) ?? Number.NEGATIVE_INFINITY)) lastClick.set(each, day);
  }
  const last = lastClick.get(name);
  const [module, code] = name.split('-');
  if (last === undefined || module === undefined || code === undefined) {
    throw new ConfigurationError(
      `there are no clicks of a presentation "${name}" in studentVle`,
      `choose one of those that have clicks: ${[...lastClick.keys()].sort().join(', ')}`,
    );
  }
  const assessments = new Map<string, Assessment>();
  for await (const row of readTable(directory, 'assessments')) {
    if (nameOf(row) !== name) continue;
    const assessment = { id: row.id_assessment, type: row.assessment_type, dueDay: wholeOrNull(row.date) };
    assessments.set(assessment.id, assessment);
  }
  let lastDay = last;
  for await (const row of readTable(directory, 'studentAssessment')) {
    if (row.is_banked === '1' || !assessments.has(row.id_assessment)) continue;
    lastDay = Math.max(lastDay, Number(row.date_submitted));
  }
  return { name, module, code, assessments, lastDay };
}

/** B presentations start in February and J ones in October; the data set gives no day, so the first is taken. */
function publishedStart(code: string): LocalMillis {
  const match = /^(\d{4})([BJ])$/.exec(code);
  if (match === null)
    throw new ConfigurationError(
      `the start of a presentation "${code}" is not known`,
      'names end with the year and B (February) or J (October); give a day with --shift-to',
    );
  return Date.UTC(Number(match[1]), match[2] === 'B' ? 1 : 9, 1);
}

/**
 * Midnight of day 0.
 * @param shiftTo `none` for the published start, otherwise the day (`YYYY-MM-DD`) on which the presentation's last day falls
 */
export function dayZero(presentation: Presentation, shiftTo: string): LocalMillis {
  if (shiftTo === 'none') return publishedStart(presentation.code);
  return parsePresentationDay(shiftTo) - presentation.lastDay * DAY;
}

/** @throws ConfigurationError for what is not a day of the calendar */
export function parsePresentationDay(text: string): LocalMillis {
  const at = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : Number.NaN;
  // Date.parse takes the 31st of a short month as a day of the next one.
  if (Number.isNaN(at) || dateText(at) !== text)
    throw new ConfigurationError(`"${text}" is not a day`, '--shift-to takes today, a day as YYYY-MM-DD, or none');
  return at;
}
