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
];
