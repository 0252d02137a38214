import { readFileSync } from 'node:fs';
import { loadStatements, type SqlStatement } from '#libs/platform/postgres/database.ts';

interface RoomStatements<N extends string> {
  readonly sql: Readonly<Record<N, SqlStatement>>;
  /**
   * Fills the `{{holes}}` of a file, for a statement that differs between tables only in its column lists.
   * @param use distinguishes the name of the filled statement from its siblings
   * @throws Error when the file has a hole that `holes` does not name
   */
  fillTemplate(name: string, use: string, holes: Readonly<Record<string, string>>): SqlStatement;
}

/**
 * The statements of one folder of the store.
 * @param url of the folder's `statements.ts`; longer statements are files next to it, `sql/<name>.sql`
 * @param short the one-line statements
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
