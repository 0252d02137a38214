import type { ActivityType } from '#libs/domain/activity-type.ts';
import { type ComponentNumbers, ENGAGEMENT_COMPONENTS } from '#libs/domain/components.ts';
import { NotReadyError } from '#libs/domain/errors.ts';
import { isUtc } from '#libs/domain/zone.ts';
import { hashOf } from '#libs/features/hash.ts';
import { FEATURE_SET } from '#libs/features/index.ts';
import type { Queryable } from '#libs/platform/postgres/database.ts';
import { keySql } from '#libs/store/keys/statements.ts';
import { schemaSql } from '#libs/store/schema/statements.ts';
import { readZone, type StoredZone } from '#libs/store/schema/zones.ts';
import type { FeatureSettings } from './settings.ts';

type Described = FeatureSettings['described'];

/**
 * The settings that the database was last derived with, from their description, for programs that derive from what is stored
 * there without writing and have no settings of their own.
 * @throws NotReadyError when there are none yet, or this program would derive differently even with them
 */
export async function readStoredSettings(tx: Queryable): Promise<FeatureSettings> {
  const [stored] = await tx.query<{ fingerprint: string; described: Described }>(schemaSql.settings_read);
  if (stored === undefined)
    throw new NotReadyError(
      'nothing_derived',
      'nothing was derived in the analytics database yet',
      'let the roles run (npm start, or npm run engagement, performance and anomaly), and try again',
    );
  const { fingerprint, described } = stored;
  const features = hashOf(FEATURE_SET);
  if (described['feature definitions'] !== features) throw derivedOtherwise('definitions of the features');
  const reading = {
    sourceZone: await readSameZone(tx, described, 'SOURCE_TIMEZONE'),
    institutionZone: await readSameZone(tx, described, 'INSTITUTION_TIMEZONE'),
    aliases: new Map(JSON.parse(described['ACTIVITY_ALIASES'] ?? '[]') as [string, ActivityType][]),
  };
  const excluded = await readExcluded(tx, described['EXCLUDED_STUDENTS'] ?? '');
  return { reading, deriving: derivingOf(described), excluded, fingerprint, features, described, topics: false };
}

const derivedOtherwise = (what: string): NotReadyError =>
  new NotReadyError(
    'settings_changed',
    `the analytics database was derived with other ${what} than this program has`,
    'use the version of PrepaData whose roles run on this database, or adopt this one (npm run migrate) and wait until all is derived',
  );

function derivingOf(described: Described): FeatureSettings['deriving'] {
  const number = (name: string): number => Number(described[name]);
  const components = (name: string): ComponentNumbers => {
    const values = (described[name] ?? '').split(',').map(BigInt);
    return Object.fromEntries(
      ENGAGEMENT_COMPONENTS.map((component, index) => [component, values[index] ?? 0n]),
    ) as ComponentNumbers;
  };
  return {
    sessionGapMs: number('SESSION_GAP') * 1000,
    engagementWeights: components('ENGAGEMENT_WEIGHTS'),
    engagementTargets: components('ENGAGEMENT_TARGETS'),
    zeroGrades: described['ZERO_GRADES'] === 'graded' ? 'graded' : 'ungraded',
    passMark: BigInt(described['PASS_MARK'] ?? ''),
    outlierThreshold: BigInt(described['OUTLIER_THRESHOLD'] ?? ''),
    openPoints: number('ATTENTION_OPEN_POINTS'),
    closePoints: number('ATTENTION_CLOSE_POINTS'),
    expectedShare: number('ATTENTION_EXPECTED_SHARE'),
    leastClass: number('ATTENTION_LEAST_CLASS'),
  };
}

/** By name and fingerprint: reading a zone takes a tenth of a second, and under one fingerprint it stays the same. */
const knownZones = new Map<string, StoredZone['zone']>();

async function readSameZone(tx: Queryable, described: Described, setting: string): Promise<StoredZone['zone']> {
  const name = described[setting] ?? '';
  const wanted = described[`zone data of ${setting}`];
  const known = knownZones.get(`${name} ${wanted}`);
  if (known !== undefined) return known;
  const { zone, fingerprint } = await readZone(tx, { name });
  if (!isUtc({ name }) && wanted !== fingerprint) throw derivedOtherwise(`zone data of ${name}`);
  knownZones.set(`${name} ${wanted}`, zone);
  return zone;
}

async function readExcluded(tx: Queryable, ids: string): Promise<ReadonlySet<number>> {
  if (ids === '') return new Set();
  const rows = await tx.query<{ kind: string; id: number }>(keySql.identity_find, [ids.split(','), []]);
  return new Set(rows.filter(({ kind }) => kind === 'student').map(({ id }) => id));
}
