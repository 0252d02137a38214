import type { Family, StudentCourse } from '#libs/domain/family.ts';
import type { FeatureSettings } from '#libs/families/settings.ts';
import type { Database } from '#libs/platform/postgres/database.ts';
import { readTodayToWrite, shareCalendar } from '#libs/store/keys/calendar.ts';
import { claimKeys, takeMarks } from '#libs/store/keys/keys.ts';
import { NO_NEW_ROWS, NO_ORIGIN } from '#libs/store/keys/marks.ts';
import { setKeyAside } from '#libs/store/keys/set-aside.ts';
import { type DeriveResult, NOTHING_DERIVED } from './derive-result.ts';

/** Takes the marks of a key that cannot be derived, so that it is left alone until it is marked again. */
export const setAside = (
  db: Database,
  family: Family,
  { fingerprint }: FeatureSettings,
  key: StudentCourse,
  error: unknown,
): Promise<DeriveResult> =>
  db.transaction(async (tx) => {
    const [, claimed] = await Promise.all([shareCalendar(tx), claimKeys(tx, family, [key], 1)]);
    const [[mark = { ...key, ...NO_ORIGIN, newRows: NO_NEW_ROWS }]] = await Promise.all([
      takeMarks(tx, family, claimed),
      readTodayToWrite(tx, fingerprint),
    ]);
    // If somebody else holds the key, they may be able to derive it.
    if (claimed.length > 0) await setKeyAside(tx, family, mark, error);
    return { ...NOTHING_DERIVED, claimed, contended: claimed.length === 0 };
  });
