import { createHash } from 'node:crypto';
import type { Definition } from './definition.ts';
import type { FeatureSet } from './index.ts';
import { RESULTS } from './results.ts';
import { TYPE_OF_UNIT } from './units.ts';

/** All parts of a definition that decide values, in a fixed order. */
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
 * The hash of everything that decides what is stored: the definitions, in any order, and what the code computes from the
 * sample of rows (`results.ts`). A database derived under another hash is derived again, every key of it, even if a formula
 * was merely reworded: that costs a derivation and does no harm, whereas an unnoticed change could. A change of the code that
 * no sample row shows must either change the sentence of its formula, or come with a row that shows it.
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
