import { z } from 'zod';
import type { Queryable } from '#libs/platform/postgres/database.ts';
import { differenceFromNode, readZone } from '#libs/store/schema/zones.ts';
import { instant, isoInstant, known } from './answers.ts';
import { sql } from './statements.ts';

export const timeZoneAnswer = z.strictObject({
  name: z.string(),
  node_differs_from: known(
    instant,
    "First moment from 2000 on that this process's Node has another offset for than the database, whose zone data are used",
  ),
});
export type TimeZoneAnswer = z.output<typeof timeZoneAnswer>;

const SETTINGS = ['SOURCE_TIMEZONE', 'INSTITUTION_TIMEZONE'] as const;

/** Comparing takes a good part of a second. Changed zone data show in the settings, and so in the key. */
const compared = new Map<string, TimeZoneAnswer>();

interface SettingsRow {
  readonly described: Readonly<Record<string, string>>;
  readonly fingerprint: string;
  readonly feature_version: number;
}

interface SettingsInForce {
  /** Null until the database has been written with some settings. */
  readonly institution: string | null;
  /** Each once; empty before the first settings. */
  readonly all: readonly TimeZoneAnswer[];
  readonly fingerprint: string | null;
  readonly featureVersion: number | null;
}

/** What the database was last written with. */
export async function readSettingsInForce(db: Queryable): Promise<SettingsInForce> {
  const [settings] = await db.query<SettingsRow>(sql.settings_described);
  const zones = new Map<string, TimeZoneAnswer>();
  for (const setting of SETTINGS) {
    const name = settings?.described[setting];
    if (name !== undefined)
      zones.set(name, await compare(db, name, settings?.described[`zone data of ${setting}`] ?? ''));
  }
  return {
    institution: settings?.described['INSTITUTION_TIMEZONE'] ?? null,
    all: [...zones.values()],
    fingerprint: settings?.fingerprint ?? null,
    featureVersion: settings?.feature_version ?? null,
  };
}

async function compare(db: Queryable, name: string, data: string): Promise<TimeZoneAnswer> {
  const before = compared.get(`${name} ${data}`);
  if (before !== undefined) return before;
  const from = differenceFromNode(await readZone(db, { name }));
  const answer = { name, node_differs_from: isoInstant(from) };
  compared.set(`${name} ${data}`, answer);
  return answer;
}
