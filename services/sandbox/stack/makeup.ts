import { analyticsAddress, sourceAddress } from '#libs/platform/config/config.ts';
import type { SettingValues } from '#libs/platform/config/settings.ts';
import type { MemberSpec } from './member.ts';
import { type FetchProgress, fetchParts } from './parts/index.ts';
import { MEMBERS, PROGRAMS } from './programs.ts';
import type { Makeup } from './run.ts';
import type { Canvas } from './screen.ts';
import type { StackSecurity } from './secure/security.ts';
import { type Addresses, partSpecs, postgresSpec, programSpec } from './specs.ts';

/** The whole stack: Postgres, third-party parts, and every role. */
export const WHOLE_STACK: Makeup = {
  prepare: async (canvas) => {
    await fetchParts({ onProgress: (progress) => showFetching(canvas, progress) });
  },
  specs: specsOf,
};

/** In the order of MEMBERS. A database that the environment names is used as it is, without a sample campus. */
function specsOf(config: SettingValues, folder: string, addresses: Addresses, security?: StackSecurity): MemberSpec[] {
  const own = { source: sourceAddress(config), analytics: analyticsAddress(config) };
  const specs: MemberSpec[] = [];
  for (const name of ['source', 'analytics'] as const) {
    const address = own[name];
    if (address === undefined) specs.push(postgresSpec(name, folder, addresses, security));
    else addresses.put(name, address);
  }
  specs.push(...partSpecs(folder, addresses, security));
  specs.push(
    ...PROGRAMS.filter(({ name }) => name !== 'campus' || own.source === undefined).map((program) =>
      programSpec(program, folder, addresses, security),
    ),
  );
  const rank = (spec: MemberSpec): number => MEMBERS.indexOf(spec.name);
  return specs.toSorted((a, b) => rank(a) - rank(b));
}

const BAR = 30;

function showFetching(canvas: Canvas, { step, done, total }: FetchProgress): void {
  if (step === 'done') return;
  const full = Math.round((BAR * done) / total);
  const bar = `[${'#'.repeat(full)}${'.'.repeat(BAR - full)}] ${Math.round(done / 1e6)} of ${Math.round(total / 1e6)} MB`;
  const said = {
    waiting: 'another process fetches the parts; waiting for it',
    fetching: canvas.isLive
      ? `fetching the parts, once: ${bar}`
      : `fetching the parts, once: ${Math.round(total / 1e6)} MB`,
    verifying: 'checking what was fetched against its sha256',
  }[step];
  if (canvas.isLive) canvas.draw([`  ${said}`]);
  else if (done === 0) canvas.print(`  ${said}`);
}
