import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import type { Queryable } from '#libs/platform/postgres/database.ts';
import {
  type ChangedStudents,
  type FeatureNews,
  type FeatureNewsOptions,
  listenForFeatureNews,
} from './feature-news.ts';
import { sql } from './statements.ts';
import { type ChangedRow, ToldRows } from './told-rows.ts';

/** How many events are kept for readers that reconnect. */
const MOST_KEPT = 5_000;
/** A reader with more bytes unread is cut off, and reconnects with the id of the last event it has. */
const MOST_UNREAD = 1024 * 1024;
const HEARTBEAT_MS = 15_000;
/** How long it goes on listening without readers, so that a page that is opened again continues where it was. */
const LINGER_MS = 60_000;
const STUDENTS_AT_ONCE = 200;

/** Limits for readers; tests set lower ones. */
interface Patience {
  readonly mostUnread?: number;
  readonly heartbeatMs?: number;
  readonly lingerMs?: number;
}

interface Kept {
  readonly id: number;
  readonly text: string;
  /** Null: any course. */
  readonly course: number | null;
}

interface Reader {
  readonly course: number | null;
  readonly stream: Readable;
}

/** What it listens to while there are readers. */
interface Feed {
  readonly news: FeatureNews;
  readonly told: ToldRows;
  /** The ids of its events begin with it. */
  readonly name: string;
}

export interface EventsRequest {
  /** Our integer; null: all courses. */
  readonly course: number | null;
  /** The id of the last event the reader has seen. */
  readonly after?: string | undefined;
  /** Ends the stream. */
  readonly signal: AbortSignal;
}

/**
 * Changes of features as server-sent events. All readers of a process share one connection to the database, which listens only
 * while there are any. Delivery is at least once: if it is uncertain what was missed, `reset` says that anything may have changed.
 */
export class FeatureEvents {
  readonly #db: Queryable;
  readonly #options: Omit<FeatureNewsOptions, 'onChange'>;
  readonly #patience: Required<Patience>;
  readonly #readers = new Set<Reader>();
  readonly #pending = new Set<number>();
  #feed: Feed | undefined;
  #kept: Kept[] = [];
  #last = 0;
  #isReading = false;
  #heartbeat: NodeJS.Timeout | undefined;
  #linger: NodeJS.Timeout | undefined;

  constructor(db: Queryable, options: Omit<FeatureNewsOptions, 'onChange'>, patience: Patience = {}) {
    this.#db = db;
    this.#patience = { mostUnread: MOST_UNREAD, heartbeatMs: HEARTBEAT_MS, lingerMs: LINGER_MS, ...patience };
    this.#options = options;
  }

  open({ course, after, signal }: EventsRequest): Readable {
    clearTimeout(this.#linger);
    const { name } = this.#start();
    const stream = new Readable({ read: () => {} });
    const reader = { course, stream };
    for (const event of this.#missed(reader, after, name)) this.#push(stream, event.text);
    // An id to continue from, even for a reader that leaves before anything changes; sent after what was missed.
    stream.push(`id: ${name}_${this.#last}\n\n`);
    this.#readers.add(reader);
    stream.once('close', () => this.#leave(reader));
    const end = (): void => this.#end(reader);
    if (signal.aborted) end();
    else signal.addEventListener('abort', end, { once: true });
    return stream;
  }

  async stop(): Promise<void> {
    for (const reader of this.#readers) this.#end(reader);
    clearTimeout(this.#linger);
    clearInterval(this.#heartbeat);
    const news = this.#feed?.news;
    this.#feed = undefined;
    await news?.stop();
  }

  #start(): Feed {
    if (this.#feed !== undefined) return this.#feed;
    const news = listenForFeatureNews({ ...this.#options, onChange: (students) => this.#hear(students) });
    this.#feed = { news, told: new ToldRows(), name: randomUUID() };
    this.#kept = [];
    this.#heartbeat = setInterval(() => this.#beat(), this.#patience.heartbeatMs);
    return this.#feed;
  }

  #end(reader: Reader): void {
    this.#readers.delete(reader);
    reader.stream.push(null);
  }

  #leave(reader: Reader): void {
    this.#readers.delete(reader);
    if (this.#readers.size > 0 || this.#feed === undefined) return;
    // If several leave at once, each of them gets here.
    clearTimeout(this.#linger);
    this.#linger = setTimeout(() => void this.stop(), this.#patience.lingerMs).unref();
  }

  /** The events after `after`, if all of them are still kept and can be sent at once; otherwise a reset. */
  #missed(reader: Reader, after: string | undefined, name: string): readonly Kept[] {
    if (after === undefined) return [];
    const [feed, id = ''] = after.split('_');
    const from = Number(id);
    const first = this.#kept[0]?.id ?? this.#last + 1;
    if (feed === name && from >= first - 1 && from <= this.#last) {
      const missed = this.#kept.filter((event) => event.id > from && concerns(event, reader));
      const length = missed.reduce((sum, { text }) => sum + text.length, 0);
      if (2 * length <= this.#patience.mostUnread) return missed;
    }
    return [{ id: this.#last, text: textOf(`${name}_${this.#last}`, RESET), course: null }];
  }

  #hear(students: ChangedStudents): void {
    if (students === 'any') {
      this.#pending.clear();
      this.#publish(RESET, null);
      return;
    }
    for (const student of students) this.#pending.add(student);
    if (!this.#isReading) void this.#read();
  }

  async #read(): Promise<void> {
    this.#isReading = true;
    try {
      while (this.#pending.size > 0 && this.#feed !== undefined) {
        const { told } = this.#feed;
        const students = [...this.#pending].slice(0, STUDENTS_AT_ONCE);
        for (const student of students) this.#pending.delete(student);
        const rows = await this.#db.query<ChangedRow>(sql.feature_events, [students]);
        const seen = new Set(rows.map((row) => row.student_id));
        for (const event of told.newsOf(rows)) this.#publish(JSON.stringify(event), event.course_id);
        // Some have no rows left: the courses they were in are no longer known.
        if (students.some((student) => !seen.has(student))) this.#publish(RESET, null);
      }
    } catch {
      // The database is unreachable: what the students' rows are now is unknown.
      this.#pending.clear();
      this.#publish(RESET, null);
    } finally {
      this.#isReading = false;
    }
  }

  #publish(data: string, course: number | null): void {
    if (this.#feed === undefined) return;
    this.#last += 1;
    const event = { id: this.#last, text: textOf(`${this.#feed.name}_${this.#last}`, data), course };
    this.#kept.push(event);
    if (this.#kept.length > 2 * MOST_KEPT) this.#kept = this.#kept.slice(-MOST_KEPT);
    for (const reader of this.#readers) this.#send(reader, event);
  }

  #beat(): void {
    for (const { stream } of this.#readers) this.#push(stream, ': still here\n\n');
  }

  #send(reader: Reader, event: Kept): void {
    if (concerns(event, reader)) this.#push(reader.stream, event.text);
  }

  #push(stream: Readable, text: string): void {
    stream.push(text);
    if (stream.readableLength > this.#patience.mostUnread) stream.destroy();
  }
}

const RESET = 'reset';

const concerns = (event: Kept, { course }: Reader): boolean =>
  course === null || event.course === null || event.course === course;

const textOf = (id: string, data: string): string =>
  data === RESET ? `id: ${id}\nevent: reset\ndata: {}\n\n` : `id: ${id}\ndata: ${data}\n\n`;
