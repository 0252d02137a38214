import type { SettingValues } from '#libs/platform/config/settings.ts';
import type { Settings } from './families/family.ts';

/** What of the configuration decides results. */
export function settingsOf(config: SettingValues): Settings {
  return {
    reading: { sourceZone: config.SOURCE_TIMEZONE, institutionZone: config.INSTITUTION_TIMEZONE },
    deriving: {
      sessionGapMs: config.SESSION_GAP * 1000,
      engagementWeights: config.ENGAGEMENT_WEIGHTS,
      engagementTargets: config.ENGAGEMENT_TARGETS,
      zeroGrades: config.ZERO_GRADES,
    },
  };
}
