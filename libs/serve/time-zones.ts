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

/** To compare takes a good part of a second, and zone data change with the settings, which know them. */
const compared = new Map<string, TimeZoneAnswer>();

const describedIn = async (db: Queryable): Promise<Readonly<Record<string, string>>> =>
  (await db.query<{ described: Readonly<Record<string, string>> }>(sql.settings_described))[0]?.described ?? {};

/** Null before the database was written with any settings. */
export const readInstitutionZone = async (db: Queryable): Promise<string | null> =>
  (await describedIn(db))['INSTITUTION_TIMEZONE'] ?? null;

/** The zones of the settings that the database was last written with; none before the first. */
export async function readTimeZones(db: Queryable): Promise<TimeZoneAnswer[]> {
  const described = await describedIn(db);
  const zones = new Map<string, TimeZoneAnswer>();
  for (const setting of SETTINGS) {
    const name = described[setting];
    if (name !== undefined) zones.set(name, await compare(db, name, described[`zone data of ${setting}`] ?? ''));
  }
  return [...zones.values()];
}

async function compare(db: Queryable, name: string, data: string): Promise<TimeZoneAnswer> {
  const before = compared.get(`${name} ${data}`);
  if (before !== undefined) return before;
  const from = differenceFromNode(await readZone(db, { name }));
  const answer = { name, node_differs_from: isoInstant(from) };
  compared.set(`${name} ${data}`, answer);
  return answer;
}
