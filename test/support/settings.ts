import { openZone } from '#libs/domain/zone.ts';
import type { FeatureSettings } from '#libs/families/settings.ts';

export const million = (value: number): bigint => BigInt(Math.round(value * 1_000_000));

/** The product's defaults, with a choice of zones. */
export function testSettings(zones: { source?: string; institution?: string } = {}): FeatureSettings {
  return {
    reading: {
      sourceZone: openZone(zones.source ?? 'UTC'),
      institutionZone: openZone(zones.institution ?? 'UTC'),
      aliases: new Map(),
    },
    deriving: {
      sessionGapMs: 1_800_000,
      engagementWeights: {
        logins: million(0.3),
        time: million(0.3),
        forum_posts: million(0.2),
        resources: million(0.2),
      },
      engagementTargets: { logins: million(5), time: million(3600), forum_posts: million(2), resources: million(10) },
      zeroGrades: 'ungraded',
      passMark: million(50),
      outlierThreshold: million(3),
      openPoints: 3,
      closePoints: 2,
      expectedShare: 75,
      leastClass: 8,
    },
    excluded: new Set(),
    fingerprint: 'test',
    features: 'test',
    described: {},
    topics: false,
  };
}
