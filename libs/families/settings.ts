import { createHash } from 'node:crypto';
import type { ReadingSettings } from '#libs/clean/settings.ts';
import type { DerivingSettings } from '#libs/derive/settings.ts';
import { isUtc } from '#libs/domain/zone.ts';
import { hashOf } from '#libs/features/hash.ts';
import { FEATURE_SET, type FeatureSet } from '#libs/features/index.ts';
import type { SettingValues } from '#libs/platform/config/settings.ts';
import type { Log } from '#libs/platform/log.ts';
import type { Database } from '#libs/platform/postgres/database.ts';
import { erasedAmong } from '#libs/store/keys/erased.ts';
import { resolveIds } from '#libs/store/keys/identity.ts';
import { differenceFromNode, readZone, type StoredZone } from '#libs/store/schema/zones.ts';

/** Everything that decides results, and whether changed rows are noted for the feature topics. */
export interface FeatureSettings {
  readonly reading: ReadingSettings;
  readonly deriving: DerivingSettings;
  /** Students, by our integers, who get no rows and do not count for coverage. */
  readonly excluded: ReadonlySet<number>;
  /** Of everything that decides results; a writer's has to be that of the database. */
  readonly fingerprint: string;
  /** The hash of the feature definitions: part of the fingerprint. The version of the features counts its changes. */
  readonly features: string;
  /** The same as the fingerprint in words, for messages. */
  readonly described: Readonly<Record<string, string>>;
  /** Whether the outbox is written. */
  readonly topics: boolean;
}

/**
 * The settings of this configuration. Excluded students get their integers here, whether seen yet or not; zones are read from
 * the database.
 * @param log gets a warning for zones whose data differs between the database and this Node
 * @param features the definitions by which this process derives
 * @throws ConfigurationError when the database does not know a zone
 */
export async function openSettings(
  config: SettingValues,
  db: Database,
  log?: Log,
  features: FeatureSet = FEATURE_SET,
): Promise<FeatureSettings> {
  const hash = hashOf(features);
  const excludedIds = [...new Set(config.EXCLUDED_STUDENTS)].sort();
  const erased = await erasedAmong(db, excludedIds);
  const excluded = excludedIds.filter((id) => !erased.has(id));
  const ids = await resolveIds(db, new Set(excluded), new Set());
  const zones = await readZones(config, db);
  if (log !== undefined) for (const zone of new Set(Object.values(zones))) tellDifference(zone, log);
  const described = { 'feature definitions': hash, ...describeResults(config, excludedIds), ...describeZones(zones) };
  return {
    reading: {
      sourceZone: zones.source.zone,
      institutionZone: zones.institution.zone,
      aliases: config.ACTIVITY_ALIASES,
    },
    deriving: {
      sessionGapMs: config.SESSION_GAP * 1000,
      engagementWeights: config.ENGAGEMENT_WEIGHTS,
      engagementTargets: config.ENGAGEMENT_TARGETS,
      zeroGrades: config.ZERO_GRADES,
      passMark: config.PASS_MARK,
      outlierThreshold: config.OUTLIER_THRESHOLD,
      openPoints: config.ATTENTION_OPEN_POINTS,
      closePoints: config.ATTENTION_CLOSE_POINTS,
      expectedShare: config.ATTENTION_EXPECTED_SHARE,
      leastClass: config.ATTENTION_LEAST_CLASS,
    },
    excluded: new Set(excluded.map((id) => ids.student(id))),
    fingerprint: createHash('sha256').update(JSON.stringify(described)).digest('hex'),
    features: hash,
    described,
    topics: config.FEATURE_TOPICS === 'on' || (config.FEATURE_TOPICS === 'auto' && config.CDC_SOURCE === 'kafka'),
  };
}

function tellDifference(stored: StoredZone, log: Log): void {
  const from = differenceFromNode(stored);
  if (from === null) return;
  const { name } = stored.zone;
  log.warn(
    { zone: name },
    `the zone data of this Node and of the analytics database differ for ${name}, first at ${new Date(from).toISOString()}: the database's are used`,
  );
}

type Zones = Readonly<Record<'source' | 'institution', StoredZone>>;

async function readZones({ SOURCE_TIMEZONE, INSTITUTION_TIMEZONE }: SettingValues, db: Database): Promise<Zones> {
  const source = await readZone(db, SOURCE_TIMEZONE);
  const isSame = SOURCE_TIMEZONE.name === INSTITUTION_TIMEZONE.name;
  return { source, institution: isSame ? source : await readZone(db, INSTITUTION_TIMEZONE) };
}

/** Part of the fingerprint, so that a server with other zone data does not continue what one with different data began. */
function describeZones({ source, institution }: Zones): Record<string, string> {
  return {
    ...(isUtc(source.zone) ? {} : { 'zone data of SOURCE_TIMEZONE': source.fingerprint }),
    ...(isUtc(institution.zone) ? {} : { 'zone data of INSTITUTION_TIMEZONE': institution.fingerprint }),
  };
}

function describeResults(config: SettingValues, excludedIds: readonly string[]): Record<string, string> {
  const numbers = (values: Readonly<Record<string, bigint>>): string => Object.values(values).join(',');
  return {
    SOURCE_TIMEZONE: config.SOURCE_TIMEZONE.name,
    INSTITUTION_TIMEZONE: config.INSTITUTION_TIMEZONE.name,
    ACTIVITY_ALIASES: JSON.stringify([...config.ACTIVITY_ALIASES].sort()),
    EXCLUDED_STUDENTS: excludedIds.join(','),
    SESSION_GAP: String(config.SESSION_GAP),
    ENGAGEMENT_WEIGHTS: numbers(config.ENGAGEMENT_WEIGHTS),
    ENGAGEMENT_TARGETS: numbers(config.ENGAGEMENT_TARGETS),
    ZERO_GRADES: config.ZERO_GRADES,
    PASS_MARK: String(config.PASS_MARK),
    OUTLIER_THRESHOLD: String(config.OUTLIER_THRESHOLD),
    ATTENTION_OPEN_POINTS: String(config.ATTENTION_OPEN_POINTS),
    ATTENTION_CLOSE_POINTS: String(config.ATTENTION_CLOSE_POINTS),
    ATTENTION_EXPECTED_SHARE: String(config.ATTENTION_EXPECTED_SHARE),
    ATTENTION_LEAST_CLASS: String(config.ATTENTION_LEAST_CLASS),
  };
}
