import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { FAMILIES, type Family, type StudentCourse } from '#libs/domain/family.ts';
import type { Log } from '#libs/platform/log.ts';
import { type Database, type DatabaseAddress, isDatabaseFault } from '#libs/platform/postgres/database.ts';
import { listenForNotifications } from '#libs/platform/postgres/listen.ts';
import { joinMarked, WAKE_CHANNEL } from '#libs/store/keys/marks.ts';
import { runSql } from '#libs/store/runs/statements.ts';
import type { News, Work } from './work.ts';

export interface NotifyBusOptions {
  readonly db: Database;
  readonly address: DatabaseAddress;
  readonly work: Work;
  readonly log: Log;
}

/**
 * Passes news on between the processes of one analytics database. Each process also looks for marks by itself, so lost news
 * costs no more than a second. That is why it is sent outside the transaction it is about: inside, commits would wait for
 * each other.
 */
export function startNotifyBus({ db, address, work, log }: NotifyBusOptions): { stop(): Promise<void> } {
  const own = randomUUID();
  const caller = new Caller(db, own, log);
  const calls = work.elsewhere.subscribe((news) => caller.call(news));
  const listener = listenForNotifications({
    address,
    channel: WAKE_CHANNEL,
    log,
    onMessage: (payload) => {
      const news = parseNews(payload, own);
      if (news !== null) work.receive(news);
    },
  });
  return {
    stop: async () => {
      calls.unsubscribe();
      await Promise.all([listener.stop(), caller.finished()]);
    },
  };
}

/** A payload in Postgres has to be shorter than 8,000 bytes. */
const MOST_CHARACTERS = 7_900;

const family = z.enum(FAMILIES);
const message = z.object({
  from: z.string(),
  courses: z.boolean(),
  unnamed: z.array(family),
  /** Pairs of course and student. */
  keys: z.partialRecord(family, z.array(z.tuple([z.int(), z.int()]))),
});

/** @returns null for our own news; for anything else that is not in our format (a new connection, the reconcile), news of everything */
export function parseNews(payload: string, own: string): News | null {
  const parsed = message.safeParse(jsonOf(payload));
  if (!parsed.success) return { courses: true, unnamed: FAMILIES };
  const { from, courses, unnamed, keys } = parsed.data;
  if (from === own) return null;
  const named = Object.entries(keys).map(([name, pairs]): [Family, StudentCourse[]] => [
    name as Family,
    pairs.map(([courseId, studentId]) => ({ courseId, studentId })),
  ]);
  return { courses, unnamed, keys: new Map(named) };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The payload for news; if it names too many keys, only that there are some. */
export function newsText(own: string, { keys = new Map(), courses = false, unnamed = [] }: News): string {
  const pairs = (named: readonly StudentCourse[]): number[][] => named.map((key) => [key.courseId, key.studentId]);
  const named = Object.fromEntries([...keys].map(([name, list]) => [name, pairs(list)]));
  const text = JSON.stringify({ from: own, courses, unnamed, keys: named });
  if (text.length <= MOST_CHARACTERS) return text;
  return JSON.stringify({ from: own, courses, unnamed: [...new Set([...unnamed, ...keys.keys()])], keys: {} });
}

const together = (one: News, other: News): News => ({
  courses: one.courses === true || other.courses === true,
  unnamed: [...new Set([...(one.unnamed ?? []), ...(other.unnamed ?? [])])],
  keys: joinMarked(one.keys ?? new Map(), other.keys ?? new Map()),
});

/** Makes at most one call at a time; news that comes meanwhile follows together in the next. */
class Caller {
  readonly #db: Database;
  readonly #own: string;
  readonly #log: Log;
  #news: News | undefined;
  #running: Promise<void> | undefined;

  constructor(db: Database, own: string, log: Log) {
    this.#db = db;
    this.#own = own;
    this.#log = log;
  }

  call(news: News): void {
    this.#news = this.#news === undefined ? news : together(this.#news, news);
    this.#running ??= this.#run();
  }

  async finished(): Promise<void> {
    await this.#running;
  }

  async #run(): Promise<void> {
    for (let news = this.#news; news !== undefined; news = this.#news) {
      this.#news = undefined;
      try {
        await this.#db.query(runSql.notify, [WAKE_CHANNEL, newsText(this.#own, news)]);
      } catch (error) {
        // The others look by themselves within a second anyway.
        if (!isDatabaseFault(error)) this.#log.warn({ err: error }, 'other processes could not be woken');
      }
    }
    this.#running = undefined;
  }
}
