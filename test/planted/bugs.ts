import { BUGS_OF_DATASET } from './bugs-of-dataset.ts';
import { BUGS_OF_ERASURE } from './bugs-of-erasure.ts';
import { BUGS_OF_LOADING } from './bugs-of-loading.ts';
import { BUGS_OF_QUEUES } from './bugs-of-queues.ts';
import { BUGS_OF_PROOF } from './bugs-of-reconcile.ts';
import { BUGS_OF_SOURCE } from './bugs-of-source.ts';

/** A defect put into the product on purpose; the named tests must fail on it. */
export interface PlantedBug {
  readonly name: string;
  readonly file: string;
  /** Occurs exactly once in the file. */
  readonly from: string;
  readonly to: string;
  /** Edits of other files that belong to the same defect. */
  readonly also?: readonly { readonly file: string; readonly from: string; readonly to: string }[];
  /** Test files or folders to run. */
  readonly tests: readonly string[];
}

const HISTORIES = ['test/property/core.property.test.ts', 'test/integrity/concurrency.test.ts'];
const INTERLEAVINGS = ['test/integrity/interleavings.test.ts'];
const EPOCHS = ['test/integrity/epochs.test.ts'];
const FLAGS = ['test/integrity/anomaly.test.ts'];
const KEPT_ROWS = ['test/store/rows.test.ts'];

export const PLANTED_BUGS: readonly PlantedBug[] = [
  {
    name: 'the hash of the declarations does not enter the fingerprint',
    file: 'libs/families/settings.ts',
    from: "'feature definitions': hash, ",
    to: '',
    tests: ['test/pipeline/new-column.test.ts'],
  },
  {
    name: 'guard off: the change that comes last wins, whatever its position',
    file: 'libs/store/images/image.ts',
    from: 'if (image === undefined || isNewer(change, image)) return',
    to: 'if (image === undefined || isNewer(change, image) || change.live) return',
    tests: EPOCHS,
  },
  {
    name: 'truncate position off: changes from before a truncate come back to life',
    file: 'libs/store/images/stage.ts',
    from: 'if (isBelow(truncatePositions, row)) continue;',
    to: '',
    tests: HISTORIES,
  },
  {
    name: 'the two halves of a change of keys are not brought together',
    file: 'libs/store/images/split-moves.ts',
    from: 'if (halves.size === 0) return [];',
    to: 'if (halves.size >= 0) return [];',
    tests: ['test/integrity/split-moves.test.ts'],
  },
  {
    name: 'a row that went on under another id keeps what was known of it when it went, whatever comes late',
    file: 'libs/store/images/image.ts',
    from: 'if (image.toast === null || !change.live) return image;',
    to: 'if (!image.live || image.toast === null || !change.live) return image;',
    tests: ['test/integrity/split-moves.test.ts'],
  },
  {
    name: 'what was withdrawn when partitions went to others still counts as applied',
    file: 'libs/source/kafka/batch-dispatcher.ts',
    from: 'if (!this.#queue.includes(entry)) continue;',
    to: '',
    tests: ['test/source/kafka-batch-dispatcher.test.ts'],
  },
  {
    name: 'single-statement staging: the old image is read without its lock',
    file: 'libs/store/images/sql/image_lock.template.sql',
    from: 'FOR UPDATE',
    to: '',
    tests: INTERLEAVINGS,
  },
  {
    name: 'a row that says something else now is told as if it were new: what it said before stays',
    file: 'libs/store/images/stage.ts',
    from: 'const newRows = before?.live ? null : [id];',
    to: 'const newRows = [id];',
    tests: KEPT_ROWS,
  },
  {
    name: 'a row that falls into the past of its item is taken for a repeat of what is kept',
    file: 'libs/aggregate/folded-rows.ts',
    from: 'if (time <= subject.until) return rows.every((row) => this.#repeats(subject, row, time));',
    to: 'if (time <= subject.until) return true;',
    tests: KEPT_ROWS,
  },
  {
    name: 'a mark that names its rows hides another that names none',
    file: 'libs/store/keys/sql/key_marks_take.sql',
    from: 'bool_and(new_rows IS NOT NULL)',
    to: 'bool_or(new_rows IS NOT NULL)',
    tests: KEPT_ROWS,
  },
  {
    name: 'marks made unique, with DO NOTHING where one waits already',
    file: 'schemas/sql/0002_derivation.sql',
    from: 'CREATE INDEX key_mark_key ON state.key_mark (family, priority, course_id, student_id);',
    to: 'CREATE UNIQUE INDEX key_mark_key ON state.key_mark (family, priority, course_id, student_id);',
    also: [
      {
        file: 'libs/store/keys/sql/marks_add.sql',
        from: 'AS mark (family, course_id, student_id, epoch, lsn, committed_ms, awaited, new_rows)',
        to: 'AS mark (family, course_id, student_id, epoch, lsn, committed_ms, awaited, new_rows)\nORDER BY 1, 2, 3\nON CONFLICT DO NOTHING',
      },
      {
        file: 'libs/store/keys/sql/course_mark_keys.sql',
        from: 'AND family = ANY ($2::text[])',
        to: 'AND family = ANY ($2::text[]) ORDER BY 1, 2, 3 ON CONFLICT DO NOTHING',
      },
      {
        file: 'libs/store/keys/statements.ts',
        from: 'WHERE next_day <= $1::integer',
        to: 'WHERE next_day <= $1::integer ORDER BY 1, 2, 3 ON CONFLICT DO NOTHING',
      },
    ],
    tests: INTERLEAVINGS,
  },
  {
    name: 'marks deleted after the reading that they asked for',
    file: 'libs/pipeline/derive.ts',
    from: '  const taken = [derivation.take(), along?.take()];\n',
    to: '',
    also: [
      {
        file: 'libs/pipeline/derive.ts',
        from: '    ...taken,\n  ]);\n',
        to: '  ]);\n  await Promise.all([derivation.take(), along?.take()]);\n',
      },
    ],
    tests: INTERLEAVINGS,
  },
  {
    name: 'coverage ignored: whatever a course does not collect counts as 0',
    file: 'libs/aggregate/coverage.ts',
    from: 'return first !== null && first <= day;',
    to: 'return first === null || first <= day;',
    tests: HISTORIES,
  },
  {
    name: 'coverage frozen: a key whose first days moved does not tell its course',
    file: 'libs/pipeline/derivation.ts',
    from: 'if (!sameFirsts(before.evidence, after.evidence)) return true;',
    to: '',
    tests: HISTORIES,
  },
  {
    name: 'keys of a course that moved are not derived again',
    file: 'libs/pipeline/course.ts',
    from: '  if (isMoved || isClassMoved) await tx.query(keySql.course_mark_keys, [courseId, families, look.awaited]);\n',
    to: '',
    tests: HISTORIES,
  },
  {
    name: 'the key that a row has left is not marked',
    file: 'libs/store/images/stage.ts',
    from: 'for (const image of [before, after]) {',
    to: 'for (const image of [after]) {',
    tests: HISTORIES,
  },
  {
    name: 'tombstones read: deleted rows go on contributing',
    file: 'libs/store/images/sql/rows.template.sql',
    from: ' AND live',
    to: '',
    tests: HISTORIES,
  },
  {
    name: 'a snapshot is not swept: rows deleted while no slot existed stay',
    file: 'libs/store/images/sql/image_sweep.template.sql',
    from: 'WHERE live AND epoch < $1::integer',
    to: 'WHERE live AND epoch < $1::integer AND false',
    tests: EPOCHS,
  },
  {
    name: 'future rows forgotten: their day comes and nobody looks',
    file: 'libs/store/keys/statements.ts',
    from: 'WHERE next_day <= $1::integer',
    to: 'WHERE next_day < $1::integer - 1000',
    tests: INTERLEAVINGS,
  },
  {
    name: 'dormancy forgotten: a course that ended goes on growing inactive',
    file: 'libs/families/course-as-of.ts',
    from: 'lastFact === null ? today : Math.min(today, lastFact + DAYS_AFTER_LAST_FACT);',
    to: 'lastFact === null ? today : Math.max(today, lastFact + DAYS_AFTER_LAST_FACT - 1000);',
    tests: HISTORIES,
  },
  {
    name: 'a repeated grade row grades again',
    file: 'libs/aggregate/grades.ts',
    from: 'row.at < first.at) item',
    to: 'row.at > first.at) item',
    tests: HISTORIES,
  },
  {
    name: 'a score is rounded from doubles where they are not certain',
    file: 'libs/derive/engagement-score.ts',
    from: 'const NEAR_HALF = 1e-6',
    to: 'const NEAR_HALF = -1',
    tests: ['test/derive/engagement-score.test.ts'],
  },
  {
    name: 'unchanged out-of-line columns read as null',
    file: 'libs/store/images/image.ts',
    from: 'columns[name] = image?.live ? (image.columns[name] ?? null) : null;',
    to: 'columns[name] = null;',
    tests: ['test/store/guard.test.ts', 'test/store/guard.property.test.ts'],
  },
  {
    name: 'a key derived by two at once: the claim takes no lock',
    file: 'libs/store/keys/sql/keys_claim.sql',
    from: 'FOR UPDATE SKIP LOCKED',
    to: 'OFFSET 0',
    tests: INTERLEAVINGS,
  },
  {
    name: 'a key too new to be seen when its course moved is not derived again',
    file: 'libs/pipeline/course.ts',
    from: 'if (version < course.version + (isOutdated ? 1n : 0n))',
    to: 'if (Number(version) < 0)',
    tests: INTERLEAVINGS,
  },
  {
    name: 'dormancy judged by what moved: a course stays asleep beside a fact of today',
    file: 'libs/pipeline/derivation.ts',
    from: 'return course.asOf < courseAsOf(lastFact, today);',
    to: 'return course.asOf < today && (before.evidence.lastFact ?? 0) < lastFact;',
    tests: INTERLEAVINGS,
  },
  {
    name: 'midnight does not wait for those who derive',
    file: 'libs/store/keys/statements.ts',
    from: 'SELECT pg_advisory_xact_lock($1, $2)',
    to: 'SELECT pg_advisory_xact_lock($1, $2 + 1)',
    tests: INTERLEAVINGS,
  },
  {
    name: 'first days of grades kept from the engagement family',
    file: 'libs/families/performance.ts',
    from: "  firstDayMattersTo: 'engagement',\n",
    to: '',
    tests: EPOCHS,
  },
  {
    name: 'days scored before the first day of the key',
    file: 'libs/families/engagement.ts',
    from: 'Math.max(earliest, courseFirstFact)',
    to: 'courseFirstFact',
    tests: HISTORIES,
  },
  {
    name: 'excluded staff count for their courses',
    file: 'libs/families/evaluate.ts',
    from: 'settings.excluded.has(key.studentId)',
    to: 'settings.excluded.has(-1)',
    tests: HISTORIES,
  },
  {
    name: 'ready before the flags that follow from an initial snapshot are derived',
    file: 'libs/pipeline/derivation.ts',
    from: 'readers.add(storedFor, key, this.#markOf(key), NO_NEW_ROWS);',
    to: 'readers.add(storedFor, key, { ...this.#markOf(key), awaited: false }, NO_NEW_ROWS);',
    tests: ['test/integrity/ready.test.ts'],
  },
  {
    name: 'settings adopted without deriving anything again',
    file: 'libs/pipeline/adopt.ts',
    from: '    await markAllKeys(tx, MARK_PRIORITY.bulk, null);\n',
    to: '',
    tests: ['test/integrity/settings.test.ts'],
  },
  {
    name: 'facts formed before later rows are left out',
    file: 'libs/aggregate/engagement.ts',
    from: 'const rows = activities.filter((row) => row.day <= asOf);',
    to: 'const rows = activities.filter((row) => row.day <= asOf + 1000);',
    tests: HISTORIES,
  },
  {
    name: 'a series that outlives its row',
    file: 'libs/pipeline/derivation.ts',
    from: 'if (series === null) this.#removeSeries.push(key);',
    to: 'if (series === null && derived !== null) this.#removeSeries.push(key);',
    tests: HISTORIES,
  },
  {
    name: 'a day of due date ends at its beginning',
    file: 'libs/clean/due-date.ts',
    from: 'day + MS_PER_DAY - 1',
    to: 'day',
    tests: ['test/clean'],
  },
  {
    name: 'a local time that occurs twice takes the greater offset',
    file: 'libs/domain/zone.ts',
    from: 'greaterHolds && !smallerHolds ? greater : smaller',
    to: 'greaterHolds ? greater : smaller',
    tests: ['test/domain/zone.test.ts'],
  },
  {
    name: 'rows that went are not noted for the topic',
    file: 'libs/pipeline/derivation.ts',
    from: 'putOutbox(tx, family, [...changed, ...removed])',
    to: 'putOutbox(tx, family, [...changed])',
    tests: ['test/integrity/outbox.test.ts'],
  },
  {
    name: 'a process with other settings goes on writing',
    file: 'libs/store/keys/calendar.ts',
    from: 'if (stored === null || stored === own) return;',
    to: 'if (stored === null || own !== null) return;',
    tests: ['test/integrity/settings.test.ts'],
  },
  {
    name: 'flags are not looked at again where only the day of a row moves',
    file: 'libs/pipeline/derivation.ts',
    from: 'others: [...moved, ...newSeries, ...goneSeries]',
    to: 'others: [...newSeries, ...goneSeries]',
    tests: FLAGS,
  },
  {
    name: 'flags speak for a day that one of their rows does not know yet',
    file: 'libs/families/anomaly.ts',
    from: 'Math.min(...days)',
    to: 'Math.max(...days)',
    tests: FLAGS,
  },
  {
    name: 'flags are not looked at again where coverage moves',
    file: 'libs/pipeline/course.ts',
    from: 'isMoved ? (isCoveredAlike && !isClassMoved ? ',
    to: 'isMoved ? (!isClassMoved ? ',
    tests: FLAGS,
  },
  {
    name: 'a class does not learn of changes that are dated before today',
    file: 'libs/pipeline/derivation.ts',
    from: '    if (isClassMoved) this.#courseMarks.push({ ...mark, version, ofClass: true });\n',
    to: '',
    tests: HISTORIES,
  },
  {
    name: 'what was today is not held to what the class counts of it later',
    file: 'libs/derive/attention/class-digest.ts',
    from: 'now.day > before.day ? before.all : before.before',
    to: 'before.before',
    tests: ['test/integrity/class.test.ts'],
  },
  {
    name: 'keys are not derived again where their class alone has moved',
    file: 'libs/pipeline/course.ts',
    from: 'if (isMoved || isClassMoved) await',
    to: 'if (isMoved) await',
    tests: HISTORIES,
  },
  {
    name: 'days before the first row are out of baselines',
    file: 'libs/families/anomaly.ts',
    from: 'withIdleDays(days.score, days.first, coverage, settings)',
    to: 'days.score',
    tests: FLAGS,
  },
  ...BUGS_OF_QUEUES,
  ...BUGS_OF_PROOF,
  ...BUGS_OF_ERASURE,
  ...BUGS_OF_LOADING,
  ...BUGS_OF_DATASET,
  ...BUGS_OF_SOURCE,
];
