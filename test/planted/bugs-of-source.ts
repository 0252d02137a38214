import type { PlantedBug } from './bugs.ts';

/** Defects in how the source's tables are queried and read. */
export const BUGS_OF_SOURCE: readonly PlantedBug[] = [
  {
    name: 'the source is decoded by the names that an LMSConnector gives, whatever SOURCE_MAPPING says',
    file: 'libs/source/pgoutput/assemble.ts',
    from: "textOf(tuple, column?.name ?? '')",
    to: "textOf(tuple, column?.column ?? '')",
    tests: ['test/e2e/mapping.test.ts'],
  },
  {
    name: 'every column of a table is published, needed or not',
    file: 'libs/source/postgres/publication.ts',
    from: "return version >= COLUMN_LISTS && identity === 'd' && hasOthers",
    to: "return version > COLUMN_LISTS * 10 && identity === 'd' && hasOthers",
    tests: ['test/source/pgoutput-columns.test.ts'],
  },
  {
    name: 'who is late sets the progress of a partition back',
    file: 'libs/store/progress/sql/partitions_advance.sql',
    from: 'applied = greatest(known.applied, locked.applied)',
    to: 'applied = locked.applied',
    tests: ['test/store/partitions.test.ts'],
  },
  {
    name: 'a gap is closed without a new epoch',
    file: 'libs/store/progress/sql/gap_close.sql',
    from: 'gap.epoch < newest.epoch',
    to: 'gap.epoch <= newest.epoch',
    tests: ['test/store/partitions.test.ts'],
  },
  {
    name: 'what was read of a partition before it was begun anew is staged',
    file: 'libs/store/progress/progress.ts',
    from: 'if (begunAnew.length > 0)',
    to: 'if (begunAnew.length > 1_000)',
    tests: ['test/store/partitions.test.ts'],
  },
  {
    name: 'whoever slept notes a gap in a partition that others have moved on',
    file: 'libs/store/progress/sql/gap_note.sql',
    from: 'epoch <> $4::integer OR applied > $5::bigint',
    to: '$4::integer > 999 AND applied > $5::bigint',
    tests: ['test/store/partitions.test.ts'],
  },
];
