import type { Reason } from './reasons.ts';

/** What the registry knows of a package. */
export interface Release {
  readonly name: string;
  /** The version installed when none is asked for. */
  readonly version: string;
  /** The day of its release, milliseconds since 1970. */
  readonly at: number;
}

export interface Judgement {
  /** The longest dormant first; one without a reason must be looked at. */
  readonly dormant: readonly (Release & { readonly why: string | undefined })[];
  /** Reasons for packages that are active again, or that we no longer use. */
  readonly needless: readonly Reason[];
}

/** Months without a release. */
export const DORMANT_MONTHS = 18;
const MONTH_MS = (365.25 * 86_400_000) / 12;

export function judge(releases: readonly Release[], reasons: readonly Reason[], now: number): Judgement {
  const why = new Map(reasons.map((reason) => [reason.name, reason.why]));
  const dormant = releases
    .filter(({ at }) => now - at > DORMANT_MONTHS * MONTH_MS)
    .toSorted((a, b) => a.at - b.at)
    .map((release) => ({ ...release, why: why.get(release.name) }));
  const asleep = new Set(dormant.map(({ name }) => name));
  return { dormant, needless: reasons.filter(({ name }) => !asleep.has(name)) };
}

/** For people; the table in services/SECURITY.md has the same reasons. */
export function describe({ dormant, needless }: Judgement, asked: number): string {
  const lines = [`${dormant.length} of ${asked} packages have had no release for ${DORMANT_MONTHS} months:`];
  for (const { name, version, at, why } of dormant) {
    lines.push(`  ${name} ${version}, ${new Date(at).toISOString().slice(0, 10)}`);
    lines.push(`    ${why ?? 'NO REASON: say in test/dormant/reasons.ts why it stays, or take another one'}`);
  }
  for (const { name } of needless)
    lines.push(`  ${name} has a reason in test/dormant/reasons.ts, and needs none: it is awake, or not used any more`);
  return `${lines.join('\n')}\n`;
}
