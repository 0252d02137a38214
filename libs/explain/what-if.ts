import { setImmediate as nextTurn } from 'node:timers/promises';
import { z } from 'zod';
import { attentionKeyOf } from '#libs/derive/anomaly/anomaly-series.ts';
import { type AttentionDays, attentionDays, isAnyReasonKnown, isOpen } from '#libs/derive/attention/attention.ts';
import type { AlarmSettings, ClassSettings } from '#libs/derive/settings.ts';
import { formatDay, type LocalDay } from '#libs/domain/local-date.ts';
import { type ClassCourse, classOf } from '#libs/families/course-class.ts';
import type { Queryable } from '#libs/platform/postgres/database.ts';
import { count, day, known, ourId, sourceId } from '#libs/serve/answers.ts';
import { NOBODY_JUDGED } from '#libs/serve/course-metrics.ts';
import { InvalidRequestError, NotFoundError } from '#libs/serve/errors.ts';
import { courseId, wholeNumber } from '#libs/serve/parameters.ts';
import { type ClassKey, type ClassStudentIds, isLongGone, JUDGED_AT_A_STRETCH, readClassKeys } from './class-keys.ts';

type AttentionSettings = AlarmSettings & ClassSettings;

/** Each parameter, its name in our code, the setting it stands for, and the setting's maximum. */
const SETTINGS = [
  ['open_points', 'openPoints', 'ATTENTION_OPEN_POINTS', 8],
  ['close_points', 'closePoints', 'ATTENTION_CLOSE_POINTS', 8],
  ['expected_share', 'expectedShare', 'ATTENTION_EXPECTED_SHARE', 100],
  ['least_class', 'leastClass', 'ATTENTION_LEAST_CLASS', 1_000_000],
] as const;
type Parameter = (typeof SETTINGS)[number][0];
const LEAST = 1;

const asIf = ([, , setting, most]: (typeof SETTINGS)[number]) =>
  wholeNumber(LEAST, most)
    .optional()
    .meta({ description: `As if ${setting} were this, ${LEAST} to ${most}; as it is unless given` });

export const whatIfQuery = z.strictObject({
  course_id: courseId,
  ...(Object.fromEntries(SETTINGS.map((each) => [each[0], asIf(each)])) as Record<Parameter, ReturnType<typeof asIf>>),
});

const moved = z.array(
  z
    .strictObject({
      student_id: ourId,
      student_source_id: sourceId,
      points_now: count,
      points_then: count.meta({ description: 'Under the settings that are asked about' }),
    })
    .meta({ id: 'MovedStudent' }),
);

export const whatIfAnswer = z
  .strictObject({
    course_id: ourId,
    course_source_id: sourceId,
    settings: z
      .array(
        z
          .strictObject({
            parameter: z.enum(SETTINGS.map(([parameter]) => parameter)),
            setting: z.string().meta({ description: 'What it is called where settings are written' }),
            now: count.meta({ description: 'As it is' }),
            asked: count.meta({ description: 'As it is asked about' }),
            least: count,
            most: count,
          })
          .meta({ id: 'WhatIfSetting' }),
      )
      .meta({ description: 'What may be asked about' }),
    to_change: z
      .array(z.string())
      .meta({ description: 'The settings that would make it so, as they are written; empty: it is so' }),
    days: z
      .array(
        z
          .strictObject({
            day,
            attention_now: known(
              count,
              `Students whom a teacher should talk to on the day, by what is known today; ${NOBODY_JUDGED}`,
            ),
            attention_then: known(count, `Those whom a teacher should talk to then; ${NOBODY_JUDGED}`),
            enter: moved,
            leave: moved,
          })
          .meta({ id: 'WhatIfDay' }),
      )
      .meta({ description: 'The day that the course speaks for, and the same a week before, two, three and four' }),
  })
  .meta({ id: 'WhatIf' });
export type WhatIf = z.output<typeof whatIfAnswer>;

/** A student whose days are judged under the present settings and under the others. */
interface Compared {
  readonly student: ClassStudentIds;
  /** Ascending. */
  readonly activeDays: readonly LocalDay[];
  readonly firstDay: LocalDay;
  readonly now: AttentionDays;
  readonly otherwise: AttentionDays;
}

const WEEKS = [0, 1, 2, 3, 4];

/**
 * Who would have attention in a course under other settings, computed by the functions that derive it from what is stored of
 * the course's keys. Nothing is written.
 * @param tx all of whose reads see the same moment
 * @throws NotFoundError for a course that was never seen or has nothing derived; InvalidRequestError when close_points would
 * exceed open_points
 */
export async function readWhatIf(tx: Queryable, query: z.output<typeof whatIfQuery>): Promise<WhatIf> {
  const { courseId, courseSourceId, course, settings, keys } = await readClassKeys(tx, query.course_id);
  if (course === undefined)
    throw new NotFoundError(`nothing is derived of course ${courseId} yet`, 'ask again when it is', 'no_features');
  const asked = askedOf(settings.deriving, query);
  const compared = await compare(keys, course, settings.deriving, asked);
  return {
    course_id: courseId,
    course_source_id: courseSourceId,
    settings: SETTINGS.map(([parameter, name, setting, most]) => {
      const values = { now: settings.deriving[name], asked: asked[name] };
      return { parameter, setting, ...values, least: LEAST, most };
    }),
    to_change: SETTINGS.flatMap(([, name, setting]) =>
      asked[name] === settings.deriving[name] ? [] : [`${setting}=${asked[name]}`],
    ),
    days: WEEKS.map((week) => onDay(compared, course.asOf - 7 * week)),
  };
}

function askedOf(now: AttentionSettings, query: z.output<typeof whatIfQuery>): AttentionSettings {
  const given = SETTINGS.flatMap(([parameter, name]) =>
    query[parameter] === undefined ? [] : [[name, query[parameter]] as const],
  );
  const { openPoints, closePoints, leastClass, expectedShare } = now;
  const asked = { openPoints, closePoints, leastClass, expectedShare, ...Object.fromEntries(given) };
  if (asked.closePoints <= asked.openPoints) return asked;
  throw new InvalidRequestError(
    'invalid_parameter',
    `close_points would be more than open_points (${asked.closePoints} and ${asked.openPoints})`,
    'ask with close_points that are at most open_points',
  );
}

async function compare(
  keys: readonly ClassKey[],
  course: ClassCourse,
  now: AttentionSettings,
  asked: AttentionSettings,
): Promise<Compared[]> {
  const members = keys.map(({ key }) => key);
  const [numbers, otherNumbers] = [classOf(members, course, now), classOf(members, course, asked)];
  const compared: Compared[] = [];
  for (const [index, { student, key }] of keys.entries()) {
    if (index % JUDGED_AT_A_STRETCH === 0) await nextTurn();
    const { firstDay, asOf } = key;
    if (firstDay === null || firstDay > asOf) continue;
    compared.push({
      student,
      activeDays: key.activeDays,
      firstDay,
      now: attentionDays(attentionKeyOf({ ...key, numbers }, firstDay), now),
      otherwise: attentionDays(attentionKeyOf({ ...key, numbers: otherNumbers }, firstDay), asked),
    });
  }
  return compared;
}

function onDay(compared: readonly Compared[], on: LocalDay): WhatIf['days'][number] {
  const judged = compared
    .filter(({ activeDays }) => !isLongGone(activeDays, on))
    .map(({ student, firstDay, now, otherwise }) => ({
      isNow: isOpen(now, 'attention', on - firstDay),
      isThen: isOpen(otherwise, 'attention', on - firstDay),
      moved: {
        ...student,
        points_now: now.points[on - firstDay] ?? 0,
        points_then: otherwise.points[on - firstDay] ?? 0,
      },
    }));
  const orUnknown = (open: number, which: 'now' | 'otherwise'): number | null =>
    open > 0 || compared.some((each) => isAnyReasonKnown(each[which], on - each.firstDay)) ? open : null;
  return {
    day: formatDay(on),
    attention_now: orUnknown(judged.filter(({ isNow }) => isNow).length, 'now'),
    attention_then: orUnknown(judged.filter(({ isThen }) => isThen).length, 'otherwise'),
    enter: judged.filter(({ isNow, isThen }) => isThen && !isNow).map((each) => each.moved),
    leave: judged.filter(({ isNow, isThen }) => isNow && !isThen).map((each) => each.moved),
  };
}
