import { openSettings } from '#libs/families/settings.ts';
import { adoptSettings } from '#libs/pipeline/adopt.ts';
import { analyticsAddress, loadConfig, requireAddress } from '#libs/platform/config/config.ts';
import { describeSettings, SETTINGS_OF } from '#libs/platform/config/groups.ts';
import { openLog } from '#libs/platform/log.ts';
import { runProgram } from '#libs/platform/program.ts';
import { withAnalytics } from '#libs/store/schema/open.ts';
import { giveLogins } from './logins.ts';

const USAGE = `Brings the analytics database to the schema of this program, and makes the settings of the environment those of every
feature: what they change is derived again. Roles with other settings stop with exit code 3 from then on. Where passwords of
logins are given, it makes those of connectors/analytics-roles.sql, with the rights that each role needs.

  npm run migrate

${describeSettings(SETTINGS_OF.migrate)}
`;

async function main(): Promise<number> {
  const config = loadConfig();
  const address = requireAddress(analyticsAddress(config), 'ANALYTICS_DB', 'the database that all roles share');
  const log = openLog(config.LOG_LEVEL, { role: 'migrate' });
  return withAnalytics(address, { connections: 2, name: 'prepadata migrate', role: 'owner', log }, async (db) => {
    const changed = await adoptSettings(db, await openSettings(config, db, log));
    const hasLogins = await giveLogins(db, config);
    if (hasLogins) process.stdout.write('Each role has its login, with its password and its rights.\n');
    process.stdout.write(
      changed.length === 0
        ? 'The analytics database has the schema and the settings of this program.\n'
        : `Settings changed (${changed.join(', ')}): every feature is derived again.\n`,
    );
    return 0;
  });
}

await runProgram({ name: 'migrate', usage: USAGE }, main);
