import type { PlantedBug } from './bugs.ts';

const LOADING = ['test/store/load.test.ts'];
const COPYING = ['test/platform/copy.test.ts'];
const INDEXES = ['test/store/image-indexes.test.ts'];
const WHOLE_COURSES = ['test/pipeline/new-course.test.ts'];

/** Defects in loading the rows of a snapshot in bulk, and in what is derived from them. */
export const BUGS_OF_LOADING: readonly PlantedBug[] = [
  {
    name: 'COPY that skips a row: the one on which a piece of the network ends',
    file: 'libs/platform/postgres/copy.ts',
    from: 'if (end + 1 < piece.length) unfinished.push(piece.subarray(end + 1));',
    to: '',
    tests: COPYING,
  },
  {
    name: 'loading: rows are skipped, and not counted',
    file: 'libs/store/images/load.ts',
    from: 'count += 1;',
    to: "if (id.endsWith('1')) continue;\n      count += 1;",
    tests: LOADING,
  },
  {
    name: 'folded rows: completions are told apart by the word that they came under',
    file: 'libs/families/engagement.ts',
    from: "({ kind }) => kind === 'completion'",
    to: '() => false',
    tests: ['test/store/rows.test.ts'],
  },
  {
    name: 'folded rows: a late completion under another word is taken for one that repeats',
    file: 'libs/store/images/row-table.ts',
    from: '[...new Set([...late, ...shuffled])]',
    to: 'shuffled',
    tests: ['test/store/rows.test.ts'],
  },
  {
    name: 'loading: every epoch counts as the first, and what an older one could not read stays listed',
    file: 'libs/store/images/stage.ts',
    from: 'if (!isFirst) await tx.query',
    to: 'if (isFirst) await tx.query',
    tests: LOADING,
  },
  {
    name: 'loading: rows of the first epoch count as gone',
    file: 'libs/store/images/load.ts',
    from: '\\t0\\tt\\t',
    to: '\\t0\\tf\\t',
    tests: LOADING,
  },
  {
    name: 'COPY: what is escaped stays escaped',
    file: 'libs/platform/postgres/copy.ts',
    from: "return line.includes('\\\\') ? values.map(unescaped) : values;",
    to: "return line.includes('\\\\N') ? values.map(unescaped) : values;",
    tests: COPYING,
  },
  {
    name: 'loading: a row of the snapshot undoes what its epoch’s log has told of it',
    file: 'libs/store/images/sql/image_load.template.sql',
    from: 'WHERE known.epoch < excluded.epoch',
    to: 'WHERE known.epoch <= excluded.epoch',
    tests: LOADING,
  },
  {
    name: 'loading: what was known of a row in an older epoch stays',
    file: 'libs/store/images/sql/image_load.template.sql',
    from: 'SET (epoch, lsn, live, toast, xid{{columns}}) = ROW (excluded.epoch, 0, true, NULL, NULL{{loadedColumns}})',
    to: 'SET epoch = excluded.epoch, lsn = 0, live = true',
    tests: LOADING,
  },
  {
    name: 'loading: a row that reads now stays listed as rejected',
    file: 'libs/store/images/sql/rejected_clear_loaded.sql',
    from: 'epoch < $2::integer',
    to: 'epoch > $2::integer',
    tests: LOADING,
  },
  {
    name: 'loading: the count of what cannot be done at once is not looked at',
    file: 'libs/store/images/load.ts',
    from: 'if (written?.rows !== count) throw',
    to: 'if (written === undefined) throw',
    tests: LOADING,
  },
  {
    name: 'loading: rows of somebody who was erased are left out instead of being gone',
    file: 'libs/store/images/stage.ts',
    from: "rows.filter(({ op }) => op !== 'read'),",
    to: '[],',
    tests: LOADING,
  },
  {
    name: 'loading: a table that was truncated comes back to life',
    file: 'libs/store/images/stage.ts',
    from: 'if (first === undefined || isBelow(truncatePositions, first)) return;',
    to: 'if (first === undefined) return;',
    tests: LOADING,
  },
  {
    name: 'loading: the indexes of the images are not made at the end of a first snapshot',
    file: 'libs/store/images/stage.ts',
    from: 'if (batch.isPartOfSnapshot === true || batch.snapshotCompleted !== undefined) await',
    to: 'if (batch.isPartOfSnapshot === true) await',
    tests: INDEXES,
  },
  {
    name: 'loading: an epoch begins on tables that a snapshot which was broken off has left without indexes',
    file: 'libs/store/progress/progress.ts',
    from: '      await indexImages(db);\n',
    to: '',
    tests: INDEXES,
  },
  {
    name: 'loading: of a batch that came twice both rows stay',
    file: 'schemas/sql/0031_image_indexes.sql',
    from: 'WHERE n > 1))',
    to: 'WHERE n > 2))',
    tests: INDEXES,
  },
  {
    name: 'loading: rows of who is erased are looked for where there is no index',
    file: 'libs/store/images/stage.ts',
    from: 'if (isBare && readings.length < rows.length)',
    to: 'if (!isBare && readings.length < rows.length)',
    tests: INDEXES,
  },
  {
    name: 'a course of a snapshot is not waited for: every few keys move it, and all that were derived before',
    file: 'libs/pipeline/course.ts',
    from: '!waits || !newCourses',
    to: '!waits || newCourses',
    tests: ['test/integrity/ready.test.ts'],
  },
  {
    name: 'a course of a snapshot is waited for without end where nobody derives one of the families',
    file: 'libs/pipeline/derivers.ts',
    from: 'stuckSince === undefined || now - stuckSince < patienceMs',
    to: 'patienceMs > 0',
    tests: ['test/integrity/ready.test.ts'],
  },
  {
    name: 'a new course: rows are read before the marks are taken',
    file: 'libs/pipeline/new-course.ts',
    from: `      engagement.take(),
      performance.take(),
    ]);`,
    to: '    ]);',
    also: [
      {
        file: 'libs/pipeline/new-course.ts',
        from: 'engagement.giveFirstDays(',
        to: 'await Promise.all([engagement.take(), performance.take()]);\n    engagement.giveFirstDays(',
      },
    ],
    tests: WHOLE_COURSES,
  },
  {
    name: 'a new course: what grades say of it is left out',
    file: 'libs/pipeline/new-course.ts',
    from: 'this.#writeCourse([...ofGrades, ...ofActivities], today)',
    to: 'this.#writeCourse(ofActivities, today)',
    tests: WHOLE_COURSES,
  },
  {
    name: 'a new course: engagement is not told of the first days of performance',
    file: 'libs/pipeline/new-course.ts',
    from: 'engagement.giveFirstDays(firstDaysOf(performance.claimed, ofGrades));',
    to: '',
    tests: WHOLE_COURSES,
  },
  {
    name: 'a new course: flags come before its class',
    file: 'libs/pipeline/new-course.ts',
    from: `    await updateClass(this.#tx, course, this.#settings.deriving, true);
`,
    to: '',
    also: [
      {
        file: 'libs/pipeline/new-course.ts',
        from: '    performance.finish(grades, areFlagsDerived);',
        to: '    await updateClass(this.#tx, course, this.#settings.deriving, true);\n    performance.finish(grades, areFlagsDerived);',
      },
    ],
    tests: WHOLE_COURSES,
  },
  {
    name: 'a new course: keys that somebody else holds are not missed',
    file: 'libs/pipeline/new-course.ts',
    from: 'if (inSnapshot || !isOurs || !areAll) return 0;',
    to: 'if (inSnapshot || !isOurs) return 0;',
    tests: WHOLE_COURSES,
  },
  {
    name: 'a new course: a key that has no engagement to be derived is not told of its first grade',
    file: 'libs/pipeline/derivation.ts',
    from: 'const isOtherNext = withCourse?.(key) === true;',
    to: 'const isOtherNext = withCourse !== undefined;',
    tests: WHOLE_COURSES,
  },
  {
    name: 'new courses: one that cannot be derived whole is tried for ever',
    file: 'libs/pipeline/new-course-deriver.ts',
    from: `      this.#left.add(courseId);
      if (!(error`,
    to: '      if (!(error',
    tests: WHOLE_COURSES,
  },
];
