import type { PlantedBug } from './bugs.ts';

const ERASURE = ['test/erasure/erase.test.ts'];

/** Defects in erasing students and refusing their rows. */
export const BUGS_OF_ERASURE: readonly PlantedBug[] = [
  {
    name: 'who was erased is taken in again with the next change',
    file: 'libs/store/keys/sql/erased_among.sql',
    from: 'AND state.student_digest(given.id) IN (SELECT digest FROM state.erased_student)',
    to: 'AND false',
    also: [
      {
        file: 'libs/store/keys/sql/identity_add_students.sql',
        from: 'WHERE NOT EXISTS (SELECT FROM state.erased_student',
        to: 'WHERE true OR NOT EXISTS (SELECT FROM state.erased_student',
      },
    ],
    tests: ERASURE,
  },
  {
    name: 'who was erased gets an integer again',
    file: 'libs/store/keys/sql/identity_add_students.sql',
    from: 'WHERE NOT EXISTS (SELECT FROM state.erased_student',
    to: 'WHERE true OR NOT EXISTS (SELECT FROM state.erased_student',
    tests: ERASURE,
  },
  {
    name: 'whether somebody was erased is asked before the lock',
    file: 'libs/store/images/stage.ts',
    from: 'const ids = await resolveIds(db, students, courses);',
    to: 'const early = await erasedAmong(db, [...studentsNamed(given)]);\n  const ids = await resolveIds(db, students, courses);',
    also: [
      {
        file: 'libs/store/images/stage.ts',
        from: 'const rows = withoutErased(given, erased);',
        to: 'const rows = withoutErased(given, early);',
      },
    ],
    tests: ['test/erasure/lock.test.ts'],
  },
  {
    name: 'a row that goes over to somebody erased stays with whoever had it',
    file: 'libs/store/images/erased.ts',
    from: "return [{ ...rest, op: 'delete' }];",
    to: "return rest.op === 'delete' ? [row] : [];",
    tests: ERASURE,
  },
  {
    name: 'an erasure leaves the courses as they were',
    file: 'libs/store/erasure/erasure.ts',
    from: 'await tx.query(erasureSql.erasure_course_marks, [whose.studentId]);',
    to: '',
    tests: ERASURE,
  },
  {
    name: 'rows that went on under another id keep whose they were',
    file: 'libs/store/erasure/personal-data.ts',
    from: ' OR NOT live AND student_id IS NOT NULL AND student_id = $1)',
    to: ')',
    tests: ERASURE,
  },
  {
    name: 'the topics are not told of an erasure',
    file: 'libs/store/erasure/erasure.ts',
    from: 'await tx.query(erasureSql.erasure_topics, [whose.studentId, TOPICS]);',
    to: '',
    tests: ['test/erasure/topics.test.ts'],
  },
  {
    name: 'a repair writes a row of somebody who was erased meanwhile',
    file: 'libs/store/images/repair.ts',
    from: 'student === undefined || !erased.has(student)',
    to: 'student !== null',
    tests: ERASURE,
  },
  {
    name: 'adopted settings give somebody erased an integer, or cannot be read',
    file: 'libs/families/settings.ts',
    from: 'excludedIds.filter((id) => !erased.has(id))',
    to: "excludedIds.filter((id) => id === '' || !erased.has(''))",
    tests: ERASURE,
  },
  {
    name: 'rows of somebody erased count as missing in the reconcile',
    file: 'libs/reconcile/rows/compare-row.ts',
    from: 'read.filter(({ change }) => !isOfErased(change, erased))',
    to: 'read.filter(({ change }) => change !== null || isOfErased(change, erased))',
    tests: ['test/e2e/erase.test.ts'],
  },
];
