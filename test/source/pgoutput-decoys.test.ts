import { afterEach, expect, test } from 'vitest';
import { sourceNames } from '#libs/domain/source-tables/names.ts';
import { openSourceReader } from '#libs/reconcile/rows/source-reader.ts';
import { createSourceDatabase } from '../support/database.ts';
import { onEachPostgres } from '../support/postgres-versions.ts';
import { type PostgresWorld, postgresWorld } from './postgres-world.ts';
import { eventually } from './stage.ts';
import { Reader, Replica, write } from './world.ts';

/*
 * Somebody who may create functions in the schema of the tables, on Postgres 14 everybody, makes some that fit the arguments of our
 * statements better than Postgres' own do. They would run as our user, who is often a superuser.
 */

const DECOYS = ['concat_ws(text, oid, xid)', 'concat_ws(text, name, oid)', 'format(text, name, name)', 'lower(name)'];
const JOINED = 'public.joined(name, name)';

let world: PostgresWorld;
let reader: Reader | undefined;

const trap = (signature: string): string =>
  `CREATE FUNCTION ${signature} RETURNS text LANGUAGE plpgsql AS $$ BEGIN RAISE 'called by %', current_user; END $$`;

onEachPostgres([14, 18], (_version, server) => {
  afterEach(async () => {
    reader?.stop();
    await world.close();
  });

  test('functions and operators of somebody else are not called', async () => {
    world = postgresWorld(await createSourceDatabase('decoys', undefined, server()));
    for (const one of [...DECOYS.map((decoy) => `public.${decoy}`), JOINED]) await world.database.db.query(trap(one));
    await world.database.db.query(
      'CREATE OPERATOR public.|| (LEFTARG = name, RIGHTARG = name, FUNCTION = public.joined)',
    );
    await write(world, (writer) => writer.insert('grades', [{ id: crypto.randomUUID(), grade_item: 'quiz' }]));

    const replica = new Replica();
    const source = world.source();
    reader = new Reader(world, replica).start(source);
    await eventually(() => reader?.error ?? source.status().state).toBe('streaming');
    await eventually(async () => replica.rows()).toEqual(await world.rows());

    const comparing = await openSourceReader(world.database.address, sourceNames(), new AbortController().signal);
    expect(await comparing.estimate()).toBeGreaterThanOrEqual(0);
    comparing.close();
  });
});
