import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { ConfigurationError, messageOf, PrepaError } from '#libs/domain/errors.ts';
import type { DatasetColumn } from './columns.ts';
import { type DatasetFormat, openTable } from './formats.ts';
import type { TableMetadata, TableWriter } from './table-writer.ts';

/**
 * A table that gets its name only when it is complete: until then it is written to a file beside it whose name ends in
 * `.part`.
 */
export class DatasetFile {
  readonly #target: string;
  readonly #part: string;
  readonly #file: FileHandle;
  readonly table: TableWriter;

  private constructor(
    target: string,
    part: string,
    file: FileHandle,
    format: DatasetFormat,
    columns: readonly DatasetColumn[],
  ) {
    this.#target = target;
    this.#part = part;
    this.#file = file;
    this.table = openTable(format, columns, (bytes) => this.#write(bytes));
  }

  /** @throws ConfigurationError when it cannot be written there */
  static async open(target: string, format: DatasetFormat, columns: readonly DatasetColumn[]): Promise<DatasetFile> {
    const part = path.join(path.dirname(target), `.${path.basename(target)}.${process.pid}.part`);
    try {
      return new DatasetFile(target, part, await open(part, 'w', 0o600), format, columns);
    } catch (cause) {
      throw new ConfigurationError(
        `${target} cannot be written: ${messageOf(cause)}`,
        'name a file with --out in a folder that is there, and that you may write to',
        { cause },
      );
    }
  }

  async finish(metadata: TableMetadata): Promise<void> {
    await this.table.finish(metadata);
    await this.#orExplain(async () => {
      await this.#file.sync();
      await this.#file.close();
    });
  }

  /** Gives the file its final name. */
  async keep(): Promise<void> {
    await this.#orExplain(() => rename(this.#part, this.#target));
  }

  /** Removes what was written, unless it already has its final name. */
  async discard(): Promise<void> {
    await this.#file.close().catch(() => {});
    await rm(this.#part, { force: true }).catch(() => {});
  }

  async #write(bytes: Uint8Array): Promise<void> {
    await this.#orExplain(() => this.#file.writeFile(bytes));
  }

  async #orExplain(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (cause) {
      throw new PrepaError(
        'dataset_not_written',
        `${this.#target} could not be written to its end: ${messageOf(cause)}; nothing is left of it`,
        'make room on the disk, or name a file elsewhere with --out, and run the same command again',
        { cause },
      );
    }
  }
}
