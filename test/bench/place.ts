import { type Database, type DatabaseAddress, openDatabase } from '#libs/platform/postgres/database.ts';
import { Campus, type Shape } from './campus.ts';
import type { Observed } from './observer.ts';
import { Product, type ProductOptions } from './product.ts';
import { dropSlots, on } from './reconcile.ts';
import type { World } from './world.ts';

/** A source with its own shape, and an empty analytics database, on the servers of a world. */
export class Place implements Observed {
  readonly shape: Shape;
  readonly databases: { readonly source: DatabaseAddress };
  /** On the analytics database. */
  readonly db: Database;
  readonly #world: World;
  readonly #name: string;
  readonly #source: Database;

  private constructor(world: World, name: string, source: Database, shape: Shape) {
    this.shape = shape;
    this.databases = { source: { ...world.databases.source, database: name } };
    this.#world = world;
    this.#name = name;
    this.#source = source;
    this.db = openDatabase(this.analyticsAddress(), { connections: 4, name: 'bench' });
  }

  /** Exists while `work` runs. */
  static async during<T>(world: World, name: string, shape: Shape, work: (place: Place) => Promise<T>): Promise<T> {
    const source = { ...world.databases.source, database: name };
    const onSourceServer = (text: string): Promise<unknown> =>
      on({ ...source, database: 'postgres' }, (db) => db.query(text));
    try {
      await onSourceServer(`CREATE DATABASE ${name}`);
      await world.onServer((db) => db.query(`CREATE DATABASE ${name}`));
      const place = new Place(world, name, await new Campus(() => source, shape).fill(), shape);
      try {
        return await work(place);
      } finally {
        await Promise.all([place.db.close(), place.#source.close()]);
        await on(source, dropSlots);
      }
    } finally {
      await onSourceServer(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
      await world.onServer((db) => db.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`));
    }
  }

  async source(): Promise<Database> {
    return this.#source;
  }

  analyticsAddress(): DatabaseAddress {
    return this.#world.analyticsAddress(this.#name);
  }

  startProduct(options: Pick<ProductOptions, 'env' | 'program' | 'profile'>): Promise<Product> {
    return Product.start({
      ...options,
      source: this.databases.source,
      analytics: this.analyticsAddress(),
      folder: this.#world.folder,
      env: { SOURCE_SLOT: this.#name, ...options.env },
      onSpawn: (child) => this.#world.keep(child),
    });
  }
}
