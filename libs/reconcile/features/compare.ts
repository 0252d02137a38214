import { type KeyEvidence, NO_EVIDENCE, sameEvidence } from '#libs/aggregate/evidence.ts';
import type { Family } from '#libs/domain/family.ts';
import { formatDay, type LocalDay } from '#libs/domain/local-date.ts';
import type { FeatureColumns } from '#libs/features/definition.ts';
import type { StoredFeatures } from '#libs/store/features/feature-table.ts';
import type { PublishedKey } from '#libs/store/features/outbox.ts';
import type { StoredSeries } from '#libs/store/features/series-table.ts';
import type { KeyOutlook } from '#libs/store/keys/keys.ts';
import { type Deviation, type Discrepancy, KINDS } from '../verdict.ts';
import { canonical } from './values.ts';

/** What is stored for a key in its family. */
export interface RowInHand {
  readonly features?: StoredFeatures;
  readonly series?: StoredSeries;
}

interface WantedRow {
  readonly values: Readonly<Record<string, unknown>>;
  readonly asOf: LocalDay;
}

const count = (equal: Map<string, number>, where: string): void => {
  equal.set(where, (equal.get(where) ?? 0) + 1);
};

/** Findings for a row that exists on one side only: every column is counted, but the row is named once. */
export function wholeRow(
  places: readonly string[],
  deviation: 'missing' | 'extra',
  key: string,
  what: string,
): Discrepancy[] {
  const example =
    deviation === 'missing'
      ? { kind: KINDS.missed, key, expected: what, found: null }
      : { kind: KINDS.extra, key, expected: null, found: what };
  return places.map((where, index) => ({ where, deviation, count: 1, example: index === 0 ? example : null }));
}

/** Compares a key's feature row column by column. @param equal counts the equal columns */
export function compareFeatures(
  family: Family,
  key: string,
  columns: FeatureColumns,
  wanted: WantedRow | null,
  stored: StoredFeatures | undefined,
  equal: Map<string, number>,
): Discrepancy[] {
  const table = `${family}_features`;
  const places = [...Object.keys(columns), 'as_of_date', 'feature_version'].map((name) => `${table}.${name}`);
  if (wanted === null) return stored === undefined ? [] : wholeRow(places, 'extra', key, 'a row');
  if (stored === undefined) return wholeRow(places, 'missing', key, 'a row');
  const findings: Discrepancy[] = [];
  const compare = (name: string, kind: string, expected: string | null, found: string | null): void => {
    const where = `${table}.${name}`;
    if (expected === found) count(equal, where);
    else findings.push({ where, deviation: 'mismatched', count: 1, example: { kind, key, expected, found } });
  };
  for (const [name, type] of Object.entries(columns))
    compare(name, KINDS.differs, canonical(wanted.values[name], type), canonical(stored.values[name], type));
  compare('as_of_date', KINDS.asOf, formatDay(wanted.asOf), formatDay(stored.asOf));
  compare('feature_version', KINDS.differs, String(stored.versionInForce), String(stored.featureVersion));
  return findings;
}

const dayText = (day: LocalDay | null): string | null => (day === null ? null : formatDay(day));

function evidenceTexts({
  firstDays,
  firstFact,
  lastFact,
  firstDay,
  nextDay,
}: KeyEvidence): Record<string, string | null> {
  return {
    first_days: firstDays.map((day) => dayText(day) ?? '-').join(' '),
    first_fact: dayText(firstFact),
    last_fact: dayText(lastFact),
    first_day: dayText(firstDay),
    next_day: dayText(nextDay),
  };
}

/** Compares a key's evidence about its course. A key without evidence needs no row. @param equal counts the equal columns */
export function compareEvidence(
  family: Family,
  key: string,
  outlook: KeyOutlook,
  evidence: KeyEvidence,
  equal: Map<string, number>,
): Discrepancy[] {
  const table = `${family}_evidence`;
  const expected = evidenceTexts(evidence);
  const found = evidenceTexts(outlook.evidence);
  const places = Object.keys(expected).map((name) => `${table}.${name}`);
  const saysNothing = sameEvidence(evidence, NO_EVIDENCE);
  if (!outlook.known || !outlook.derived)
    return saysNothing && !outlook.known ? [] : wholeRow(places, 'missing', key, 'its state');
  const findings: Discrepancy[] = [];
  for (const [name, text] of Object.entries(expected)) {
    const where = `${table}.${name}`;
    const stored = found[name] ?? null;
    if (text === stored) {
      count(equal, where);
      continue;
    }
    const example = { kind: KINDS.coverage, key, expected: text, found: stored };
    findings.push({ where, deviation: 'mismatched', count: 1, example });
  }
  return findings;
}

/**
 * Checks that the topic has the present row, or is about to. The version noted with a change is drawn after that of its row:
 * a row that is newer than the last message and not in the outbox was forgotten; so was a deleted row if the last message
 * was no tombstone.
 */
export function compareOutbox(
  family: Family,
  key: string,
  { features }: RowInHand,
  published: PublishedKey | undefined,
  equal: Map<string, number>,
): Discrepancy[] {
  // A topic that is still being completed cannot be judged: all its keys get into the outbox over time.
  if (published === undefined) return [];
  const where = `outbox.${family}`;
  const { isWaiting, sent } = published;
  const isKnown =
    features === undefined
      ? sent?.isTombstone !== false
      : sent !== null && !sent.isTombstone && sent.version > features.rowVersion;
  if (isWaiting || isKnown) {
    if (features !== undefined || sent !== null) count(equal, where);
    return [];
  }
  const expected = features === undefined ? 'a tombstone' : `the row of version ${features.rowVersion}`;
  const found = sent === null ? null : `version ${sent.version}`;
  const deviation: Deviation = sent === null ? 'missing' : 'mismatched';
  return [{ where, deviation, count: 1, example: { kind: KINDS.outbox, key, expected, found } }];
}

/** True for a key's evidence about its course. */
export const isOfEvidence = (where: string): boolean => where.includes('_evidence.');
