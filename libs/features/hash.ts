import { createHash } from 'node:crypto';
import type { Definition } from './definition.ts';
import type { FeatureSet } from './index.ts';
import { RESULTS } from './results.ts';
import { TYPE_OF_UNIT } from './units.ts';

/** All of a definition that decides values, in one order of parts. */
const decisive = ({ unit, window, formula, nullWhen, exactness, from }: Definition): readonly unknown[] => [
  TYPE_OF_UNIT[unit],
  unit,
  window,
  formula,
  nullWhen ?? null,
  exactness,
  from,
];

const sortedEntries = <V>(named: Readonly<Record<string, V>>): [string, V][] =>
  Object.entries(named).sort(([a], [b]) => (a < b ? -1 : 1));

/**
 * Of all that decides what is stored: the definitions, whatever their order, and what the code makes of the sample of rows
 * (`results.ts`). A database that was derived by another is derived again, every key of it. So it is after a formula was
 * only worded better: that costs a derivation and can do no harm, while a change that nobody noticed could. A change of the
 * code that no row of the sample shows has to show in the sentence of its formula, or bring the row that shows it.
 * @param results of the sample
 */
export function hashOf(features: FeatureSet, results: string = RESULTS): string {
  const tables = sortedEntries(features).map(([table, definitions]) => [
    table,
    sortedEntries(definitions).map(([name, definition]) => [name, decisive(definition)]),
  ]);
  return createHash('sha256')
    .update(JSON.stringify([tables, results]))
    .digest('hex');
}
