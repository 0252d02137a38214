import type { AttentionDays } from '#libs/derive/attention/attention.ts';
import type { AttentionKey } from '#libs/derive/attention/key.ts';
import { owedOn, sourceOn } from '#libs/derive/attention/missing-work.ts';
import type { ClassNumbers } from '#libs/derive/attention/numbers.ts';
import { ATTENTION_REASONS, type AttentionFlagName, type AttentionReason } from '#libs/domain/flags.ts';
import { formatDay } from '#libs/domain/local-date.ts';
import type { Grounds } from './grounds.ts';
import { dayShown, type Parts, stepsOf } from './parts.ts';

/** A key compared with its class, as of the last day. */
export interface Judged {
  readonly key: AttentionKey;
  readonly days: AttentionDays;
  /** The index of as-of, counted from the key's first day. */
  readonly index: number;
}

/** Null if the key has no days. */
export const judgedOf = ({ series, asOf }: Grounds): Judged | null =>
  series === null ? null : { key: series.attentionKey, days: series.attention, index: asOf - series.firstDay };

const attendingOn = (numbers: ClassNumbers | null, day: number): number | null =>
  numbers?.attending[day - numbers.firstDay] ?? null;

const ofJudged =
  (parts: (judged: Judged, grounds: Grounds) => Parts) =>
  (grounds: Grounds): Parts => {
    const judged = judgedOf(grounds);
    const attending = attendingOn(grounds.key.numbers, grounds.asOf);
    return { as_of: formatDay(grounds.asOf), attending, ...(judged === null ? {} : parts(judged, grounds)) };
  };

/** The points of a reason over time; null: not known. */
const pointsOf = ({ days, key }: Judged, name: AttentionReason) => ({
  points: days[name].points.at(-1) ?? null,
  steps: stepsOf(days[name].points, key.firstDay),
});

function alarm(judged: Judged, { settings }: Grounds): Parts {
  const { days, index, key } = judged;
  return {
    open_points: settings.openPoints,
    close_points: settings.closePoints,
    points: days.points[index] ?? null,
    reasons: Object.fromEntries(ATTENTION_REASONS.map((name) => [name, days[name].points[index] ?? null])),
    steps: stepsOf(days.points, key.firstDay),
  };
}

function absent(judged: Judged): Parts {
  const { key, days, index } = judged;
  const { active, usual } = days.absent.on(index);
  return {
    first_day: formatDay(key.firstDay),
    active_days_of_21: active,
    usual_days_of_21: usual,
    last_active_day: dayShown(key.activeDays.findLast((day) => day <= key.asOf) ?? null),
    ...pointsOf(judged, 'absent'),
  };
}

function missingWork(judged: Judged): Parts {
  const { key } = judged;
  return {
    source: sourceOn(key.numbers, key.asOf),
    items: owedOn(key, key.asOf).map(({ item, handedIn }) => ({
      item: item.item,
      expected_from: formatDay(item.from),
      handed_in: dayShown(handedIn),
    })),
    ...pointsOf(judged, 'missing_work'),
  };
}

/** The grade of an item that is valid on a day. */
const gradeOn = (
  steps: readonly { readonly from: number; readonly item: string; readonly grade: number | null }[],
  item: string,
  day: number,
): number | null => steps.findLast((step) => step.item === item && step.from <= day)?.grade ?? null;

function lowMarks(judged: Judged): Parts {
  const { key } = judged;
  const names = [...new Set(key.grades.map(({ item }) => item))];
  const items = names.flatMap((item) => {
    const own = gradeOn(key.grades, item, key.asOf);
    const ofClass = gradeOn(key.numbers?.grades ?? [], item, key.asOf);
    // Own grades are in 1/100 of a percent, those of the class in 1/200.
    return own === null || ofClass === null ? [] : [{ item, own: own / 100, of_class: ofClass / 200 }];
  });
  return { items, ...pointsOf(judged, 'low_marks') };
}

export const ATTENTION_PARTS: Readonly<Record<AttentionFlagName, (grounds: Grounds) => Parts>> = {
  attention: ofJudged(alarm),
  absent: ofJudged(absent),
  missing_work: ofJudged(missingWork),
  low_marks: ofJudged(lowMarks),
};
