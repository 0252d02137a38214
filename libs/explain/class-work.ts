import { setImmediate as nextTurn } from 'node:timers/promises';
import { z } from 'zod';
import { compareBytes } from '#libs/aggregate/grades.ts';
import { attentionKeyOf } from '#libs/derive/anomaly/anomaly-series.ts';
import { isJudged } from '#libs/derive/attention/key.ts';
import { owedOn } from '#libs/derive/attention/missing-work.ts';
import type { ExpectedItem } from '#libs/derive/attention/numbers.ts';
import { formatDay } from '#libs/domain/local-date.ts';
import { WORK_SOURCES } from '#libs/domain/work-source.ts';
import type { Queryable } from '#libs/platform/postgres/database.ts';
import { count, day, ourId, sourceId } from '#libs/serve/answers.ts';
import { type ClassKey, type ClassStudentIds, isLongGone, JUDGED_AT_A_STRETCH, readClassKeys } from './class-keys.ts';

export const classWorkAnswer = z.array(
  z
    .strictObject({
      item: z.string().meta({ description: 'The resource that is handed in or completed, or the grade item' }),
      source: z.enum(WORK_SOURCES).meta({ description: 'What shows that it was done' }),
      expected_from: day.meta({ description: 'The day from which it is expected of everybody' }),
      owed_by: count.meta({ description: 'Students who owe it, whether they have handed it in or not' }),
      missing: z
        .array(z.strictObject({ student_id: ourId, student_source_id: sourceId }).meta({ id: 'MissingStudent' }))
        .meta({ description: 'Those of them who have not handed it in, in order of student_id' }),
    })
    .meta({ id: 'ClassWork' }),
);
export type ClassWork = z.output<typeof classWorkAnswer>;

interface Owed {
  readonly item: ExpectedItem;
  owedBy: number;
  readonly missing: ClassStudentIds[];
}

/**
 * The work that a course expects of everybody on the day it speaks for, the most recent first, and who has not handed it in:
 * by the function that missing_work is derived by. Who has been gone for long does not count.
 * @param tx all of whose reads see the same moment
 * @param id of the course: our integer, or the UUID of the source
 * @returns empty for a class that is not judged, and where nothing is expected
 * @throws NotFoundError for a course that was never seen
 */
export async function readClassWork(tx: Queryable, id: string): Promise<ClassWork> {
  const { keys } = await readClassKeys(tx, id);
  // All keys of a class have the same numbers, so that an item is the same object for each.
  const work = new Map<ExpectedItem, Owed>();
  for (const [index, { student, key }] of keys.entries()) {
    if (index % JUDGED_AT_A_STRETCH === 0) await nextTurn();
    for (const { item, handedIn } of owedBy(key)) {
      const owed = work.get(item) ?? { item, owedBy: 0, missing: [] };
      work.set(item, owed);
      owed.owedBy += 1;
      if (handedIn === null) owed.missing.push(student);
    }
  }
  return [...work.values()]
    .sort((a, b) => b.item.from - a.item.from || compareBytes(a.item.item, b.item.item))
    .map(({ item: { item, source, from }, owedBy, missing }) => ({
      item,
      source,
      expected_from: formatDay(from),
      owed_by: owedBy,
      missing,
    }));
}

function owedBy(key: ClassKey['key']): ReturnType<typeof owedOn> {
  const { firstDay, asOf, activeDays, numbers } = key;
  if (firstDay === null || firstDay > asOf || !isJudged(numbers, asOf) || isLongGone(activeDays, asOf)) return [];
  return owedOn(attentionKeyOf(key, firstDay), asOf);
}
