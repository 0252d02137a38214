import { readFileSync } from 'node:fs';
import { loadStatements, type SqlStatement } from '#libs/platform/postgres/database.ts';

interface RoomStatements<N extends string> {
  readonly sql: Readonly<Record<N, SqlStatement>>;
  /**
   * A statement that is the same for several tables but for its column lists: the file with its `{{holes}}` filled.
   * @param use names the filled statement apart from its siblings
   * @throws Error when the file has a hole that is not given
   */
  fillTemplate(name: string, use: string, holes: Readonly<Record<string, string>>): SqlStatement;
}

/**
 * The statements of one room of the store.
 * @param url of the room's `statements.ts`; longer statements are files beside it, `sql/<name>.sql`
 * @param short those of one line
 */
export function openStatements<F extends string, S extends string>(
  url: string,
  files: readonly F[],
  short: Readonly<Record<S, string>>,
): RoomStatements<F | S> {
  const folder = new URL('./sql/', url);
  const named = Object.entries<string>(short).map(([name, text]) => [name, { name: `store/${name}`, text }]);
  return {
    sql: { ...loadStatements(folder, files), ...Object.fromEntries(named) } as Record<F | S, SqlStatement>,
    fillTemplate: (name, use, holes) => {
      const text = readFileSync(new URL(`${name}.template.sql`, folder), 'utf8').replaceAll(
        /\{\{(\w+)\}\}/g,
        (_, hole: string) => {
          const filling = holes[hole];
          if (filling === undefined) throw new Error(`${name}.template.sql has a hole {{${hole}}} that nothing fills`);
          return filling;
        },
      );
      return { name: `store/${name}/${use}`, text };
    },
  };
}
