import fc from 'fast-check';
import type { ActivityType } from '#libs/domain/activity-type.ts';
import { openZone } from '#libs/domain/zone.ts';
import type { FeatureSettings } from '#libs/families/settings.ts';
import type { OracleSettings } from '../support/oracle.ts';
import { million, testSettings } from '../support/settings.ts';
import { STUDENTS } from './rows.ts';

/** Settings for the product, and the same ones for the oracle. */
export interface Variant {
  readonly settings: FeatureSettings;
  readonly oracle: Omit<OracleSettings, 'today'>;
}

interface Choice {
  readonly sourceZone: string;
  readonly institutionZone: string;
  readonly zeroGrades: 'ungraded' | 'graded';
  readonly passMark: number;
  readonly loginWeight: number;
  readonly outlierThreshold: number;
  readonly leastClass: number;
  readonly expectedShare: number;
  readonly attention: readonly [open: number, close: number];
  readonly excludes: boolean;
  readonly hasAliases: boolean;
}

/** Zones whose clocks change within the generated weeks, by an hour or by half an hour, and zones far from UTC. */
const ZONES = ['UTC', 'America/New_York', 'Europe/Paris', 'Australia/Lord_Howe', 'Asia/Kathmandu', 'America/St_Johns'];

const choice: fc.Arbitrary<Choice> = fc.record({
  sourceZone: fc.constantFrom('UTC', ...ZONES),
  institutionZone: fc.constantFrom('UTC', ...ZONES),
  zeroGrades: fc.constantFrom('ungraded' as const, 'graded' as const),
  passMark: fc.constantFrom(50, 49.999995, 100),
  loginWeight: fc.constantFrom(0.3, 0, 1.25),
  outlierThreshold: fc.constantFrom(3, 1.5, 0.000001),
  leastClass: fc.constantFrom(8, 1, 2),
  expectedShare: fc.constantFrom(75, 34),
  attention: fc.constantFrom([3, 2] as const, [2, 1] as const),
  excludes: fc.boolean(),
  hasAliases: fc.boolean(),
});

/** The integers that identity will give to the excluded are not known in advance, so they are looked up. */
export type ExcludedIds = (sourceId: string) => number;

/** The settings of another institution, or of the same one after its administrator changed them. */
export const variant: fc.Arbitrary<(idOf: ExcludedIds) => Variant> = choice.map(
  (chosen) => (idOf) => toVariant(chosen, idOf),
);

function toVariant(chosen: Choice, idOf: ExcludedIds): Variant {
  const {
    sourceZone,
    institutionZone,
    zeroGrades,
    passMark,
    loginWeight,
    outlierThreshold,
    leastClass,
    expectedShare,
    attention,
    excludes,
    hasAliases,
  } = chosen;
  const base = testSettings();
  const excluded = STUDENTS[2] ?? '';
  const aliases: [string, ActivityType][] = hasAliases
    ? [
        ['badge', 'view'],
        ['view', 'forum_post'],
        ['finished', 'completion'],
      ]
    : [];
  return {
    settings: {
      ...base,
      reading: {
        sourceZone: openZone(sourceZone),
        institutionZone: openZone(institutionZone),
        aliases: new Map(aliases),
      },
      deriving: {
        ...base.deriving,
        zeroGrades,
        passMark: million(passMark),
        outlierThreshold: million(outlierThreshold),
        leastClass,
        expectedShare,
        openPoints: attention[0],
        closePoints: attention[1],
        engagementWeights: { ...base.deriving.engagementWeights, logins: million(loginWeight) },
      },
      excluded: new Set(excludes ? [idOf(excluded)] : []),
      fingerprint: JSON.stringify(chosen),
    },
    oracle: {
      source_timezone: sourceZone,
      institution_timezone: institutionZone,
      zero_grades: zeroGrades,
      pass_mark: String(passMark),
      outlier_threshold: outlierThreshold.toFixed(6),
      least_class: String(leastClass),
      expected_share: `${expectedShare}/100`,
      attention_open: String(attention[0]),
      attention_close: String(attention[1]),
      engagement_weights: `${loginWeight},0.3,0.2,0.2`,
      excluded_students: excludes ? excluded : '',
      aliases: JSON.stringify(Object.fromEntries(aliases)),
    },
  };
}
