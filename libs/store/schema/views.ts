import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { messageOf, UnrecoverableError } from '#libs/domain/errors.ts';
import type { Queryable } from '#libs/platform/postgres/database.ts';
import { schemaSql } from './statements.ts';

/** A file of schemas/views: one view, or functions that views call. */
interface ViewFile {
  readonly name: string;
  readonly text: string;
  readonly sha256: string;
  readonly view: string | null;
}

interface KnownText {
  readonly name: string;
  readonly sha256: string;
  readonly in_place: boolean;
}

interface Grant {
  readonly view: string;
  readonly column_name: string | null;
  readonly give: string;
  readonly take: string;
}

/**
 * Postgres's error codes when something depends on what should change: a view on a column or function, or the columns of a
 * view that is to be replaced (https://www.postgresql.org/docs/current/errcodes-appendix.html).
 */
const IN_THE_WAY = ['2BP01', '0A000', '42P16'];

/**
 * The part of the schema that is not migrated but replaced: views and the functions they call, each as in its file. A view
 * whose text changed is replaced in place, which does not disturb its readers. If that is impossible, or a view blocks a
 * migration, all views are dropped and created again, and every grant on them is restored.
 */
export class Views {
  readonly #tx: Queryable;
  readonly #files: readonly ViewFile[];
  readonly #away = new Set<string>();
  #grants: Grant[] = [];

  /**
   * @param tx the transaction of the migration
   * @param folder with files in the order of their names; each builds on earlier ones only
   */
  constructor(tx: Queryable, folder: URL) {
    this.#tx = tx;
    this.#files = listFiles(folder);
  }

  /**
   * Runs `work`, which views may block; drops our views if they do.
   * @throws UnrecoverableError when views of others block it, naming them
   */
  async run(work: () => Promise<unknown>): Promise<void> {
    await this.#tx.query('SAVEPOINT before_views');
    try {
      await work();
    } catch (error) {
      if (!isInTheWay(error)) throw error;
      await this.#tx.query('ROLLBACK TO SAVEPOINT before_views');
      await this.#takeAway();
      await work().catch(blocked);
    }
    await this.#tx.query('RELEASE SAVEPOINT before_views');
  }

  /**
   * Creates what is new, replaces what changed, and creates again what was dropped.
   * @returns the names of the files applied
   * @throws UnrecoverableError when a newer program has replaced one of our texts
   */
  async apply(): Promise<string[]> {
    const known = await this.#known();
    const changed = this.#changed(known);
    refuseOlder(changed.find((file) => known.some((text) => isTextOf(text, file))));
    if (changed.length === 0 && this.#away.size === 0) return [];
    await this.run(() => this.#make(this.#away.size > 0 ? this.#files : changed));
    if (this.#away.size > 0) await this.#giveAgain();
    for (const { name, sha256 } of changed) await this.#tx.query(schemaSql.views_note, [name, sha256]);
    return changed.map((file) => `views/${file.name}`);
  }

  /** Whether the database has the text of every file. */
  async areInPlace(): Promise<boolean> {
    return this.#changed(await this.#known()).length === 0;
  }

  #known(): Promise<KnownText[]> {
    return this.#tx.query<KnownText>(schemaSql.views_texts);
  }

  #changed(known: readonly KnownText[]): ViewFile[] {
    return this.#files.filter((file) => !known.some((text) => text.in_place && isTextOf(text, file)));
  }

  get #names(): string[] {
    return this.#files.flatMap(({ view }) => (view === null ? [] : [view]));
  }

  async #make(files: readonly ViewFile[]): Promise<void> {
    for (const { name, text } of files) await runFile(this.#tx, `views/${name}`, text);
  }

  async #takeAway(): Promise<void> {
    const dependents = await this.#tx.query<{ dependent: string; view: string }>(schemaSql.views_dependents, [
      this.#names,
    ]);
    if (dependents.length > 0) throw builtOnOurs(dependents);
    this.#grants.push(...(await this.#grantsNow()));
    const text = 'SELECT name FROM unnest($1::text[]) AS name WHERE to_regclass(name) IS NOT NULL';
    const there = (await this.#tx.query<{ name: string }>(text, [this.#names])).map(({ name }) => name);
    if (there.length > 0) await this.#tx.query(`DROP VIEW ${there.join(', ')}`);
    for (const name of there) this.#away.add(name);
  }

  /** Restores exactly the grants from before: any that default privileges have added in between are revoked. */
  async #giveAgain(): Promise<void> {
    const before = new Map(this.#grants.map((grant) => [grant.give, grant]));
    for (const { view, give, take } of await this.#grantsNow()) {
      if (this.#away.has(view) && !before.has(give)) await this.#tx.query(take);
    }
    for (const { view, column_name: column, give } of before.values()) {
      if (column === null || (await this.#hasColumn(view, column))) await this.#tx.query(give);
    }
  }

  #grantsNow(): Promise<Grant[]> {
    return this.#tx.query<Grant>(schemaSql.views_grants, [this.#names]);
  }

  async #hasColumn(view: string, column: string): Promise<boolean> {
    const text = 'SELECT FROM pg_attribute WHERE attrelid = to_regclass($1) AND attname = $2 AND attnum > 0';
    return (await this.#tx.query(text, [view, column])).length > 0;
  }
}

const isTextOf = (text: KnownText, file: ViewFile): boolean => text.name === file.name && text.sha256 === file.sha256;

const isInTheWay = (error: unknown): boolean => IN_THE_WAY.includes(String((error as { code?: unknown }).code));

function listFiles(folder: URL): ViewFile[] {
  return readdirSync(folder)
    .filter((name) => /^\d\d_\w+\.sql$/.test(name))
    .sort()
    .map((name) => {
      const text = readFileSync(new URL(name, folder), 'utf8');
      const view = /^CREATE OR REPLACE VIEW (\w+\.\w+) /m.exec(text)?.[1] ?? null;
      return { name, text, sha256: createHash('sha256').update(text).digest('hex'), view };
    });
}

/** Runs the text of a file below schemas; an error names the file. */
export async function runFile(tx: Queryable, name: string, text: string): Promise<void> {
  try {
    await tx.query(text);
  } catch (error) {
    if (error instanceof Error) error.message += ` (schemas/${name})`;
    throw error;
  }
}

function refuseOlder(file: ViewFile | undefined): void {
  if (file === undefined) return;
  throw new UnrecoverableError(
    'schema_newer',
    `the analytics database has a newer text of schemas/views/${file.name} than this program`,
    'run the version of the program that last wrote this database, or a newer one; to go back to an earlier text of a view, change it, if by a comment only',
  );
}

function builtOnOurs(dependents: readonly { dependent: string; view: string }[]): UnrecoverableError {
  const built = dependents.map(({ dependent, view }) => `${dependent.toLowerCase()} on ${view}`).join(', ');
  const drops = [...new Set(dependents.map(({ dependent }) => `DROP ${dependent};`))].join(' ');
  return new UnrecoverableError(
    'views_in_use',
    `views of the analytics database have to be made anew, and others are built on them: ${built}`,
    `keep the definitions of those, take them away, start again, and make them again: ${drops}`,
  );
}

function blocked(error: unknown): never {
  if (!isInTheWay(error)) throw error;
  const { detail } = error as { detail?: string };
  throw new UnrecoverableError(
    'schema_in_use',
    `the analytics database cannot be brought to the schema of this program: ${messageOf(error)}${detail === undefined ? '' : ` (${detail})`}`,
    'take away what is built on its tables and views, start again, and make it again',
    { cause: error },
  );
}
