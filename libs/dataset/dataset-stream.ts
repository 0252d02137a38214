import { once } from 'node:events';
import { PassThrough, type Readable } from 'node:stream';
import type { Database } from '#libs/platform/postgres/database.ts';
import { FEATURE_COLUMNS, LABEL_COLUMNS } from './columns.ts';
import { type DatasetRequest, withDataset } from './dataset.ts';
import { type DatasetFormat, openTable } from './formats.ts';

/** The two tables of a set: what was known, and what became of it. */
export const DATASET_PARTS = { features: FEATURE_COLUMNS, labels: LABEL_COLUMNS } as const;

export interface StreamRequest extends DatasetRequest {
  readonly part: keyof typeof DATASET_PARTS;
  readonly format: DatasetFormat;
  /** How it was requested, for the metadata. */
  readonly command: string;
}

const BYTES_AHEAD = 1 << 18;

/**
 * A table of a set, sent while it is made and no faster than it is consumed. The snapshot ends with the stream; destroying the
 * stream ends the work at the next piece.
 * @throws as {@link withDataset}, before anything is sent
 */
export function streamDataset(db: Pick<Database, 'transaction'>, request: StreamRequest): Promise<Readable> {
  const { part, format, command } = request;
  return new Promise((resolve, reject) => {
    let sent: PassThrough | undefined;
    withDataset(db, request, async (dataset) => {
      const stream = new PassThrough({ highWaterMark: BYTES_AHEAD });
      sent = stream;
      resolve(stream);
      const table = openTable(format, DATASET_PARTS[part], (bytes) => put(stream, bytes));
      let rows = 0;
      for await (const of of dataset.parts()) {
        if (stream.destroyed) return;
        rows += of[part].length;
        await table.write(of[part]);
      }
      await table.finish({ ...dataset.metadata, command, rows: String(rows) });
    })
      .then(() => sent?.end())
      .catch((error: Error) => {
        reject(error);
        sent?.destroy(error);
      });
  });
}

/** Resolves when there is room again, or nobody reads any more. */
async function put(stream: PassThrough, bytes: Uint8Array): Promise<void> {
  if (stream.write(bytes) || stream.destroyed) return;
  const settled = new AbortController();
  const { signal } = settled;
  try {
    await Promise.race([once(stream, 'drain', { signal }), once(stream, 'close', { signal })]);
  } finally {
    settled.abort();
  }
}
