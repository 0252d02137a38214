import { loadConfig, namesOf } from '#libs/platform/config/config.ts';
import { findSource } from '#libs/platform/config/find-source.ts';
import { placeOf } from '#libs/platform/postgres/database.ts';
import { runProgram, type Typed } from '#libs/platform/program.ts';
import { dropAllSlots, listSlots } from '#libs/source/pgoutput/index.ts';
import { describeSlot } from '#libs/source/postgres/slot.ts';
import { sourceSql } from './source-sql.ts';

const USAGE = `Shows the replication slots that PrepaData has in the source database, or takes them away.

  npm run slot              the slots, and how much log the server keeps for each
  npm run slot -- --drop    drop them, when PrepaData is to read this database no more
  npm run slot -- --sql     print connectors/source.sql with the names that SOURCE_SCHEMA, SOURCE_MAPPING and
                            SOURCE_PUBLICATION say, for an administrator of the database to run

The database is SOURCE_DB_HOST, _PORT, _NAME, _USER and _PASSWORD if SOURCE_DB_HOST is set, else the one of a running
"npm start". After a drop the next start reads everything anew.
`;

const OPTIONS = { drop: { type: 'boolean' }, sql: { type: 'boolean' } } as const;

async function main({ values }: Typed<typeof OPTIONS>): Promise<number> {
  const config = loadConfig();
  const { SOURCE_SLOT: prefix, SOURCE_PUBLICATION: publication } = config;
  if (values.sql === true) {
    process.stdout.write(sourceSql(namesOf(config), publication));
    return 0;
  }
  const address = findSource(config);
  const where = placeOf(address);
  if (values.drop === true) {
    const dropped = await dropAllSlots(address, prefix);
    process.stdout.write(
      dropped.length === 0
        ? `There is no slot of the prefix ${prefix} in ${where}.\n`
        : `Dropped ${dropped.join(', ')} in ${where}. The publication stays; DROP PUBLICATION ${publication}; takes it away.\n`,
    );
    return 0;
  }
  const slots = await listSlots(address, prefix);
  const lines = slots.length === 0 ? [`  none of the prefix ${prefix}`] : slots.map(describeSlot);
  process.stdout.write(`Replication slots in ${where}:\n${lines.join('\n')}\n`);
  return 0;
}

await runProgram({ name: 'slot', usage: USAGE, options: OPTIONS }, main);
