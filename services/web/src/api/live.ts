import { askServer, Refusal } from './ask.ts';

/** One changed key in `GET /api/events`. */
interface News {
  readonly course_id: number;
}

interface Follower {
  readonly course: number | 'all';
  look(): void;
}

/** A commit soon changes several families of a key, which are then read only once. Milliseconds. */
const TOGETHER_MS = 120;
const AGAIN_MS = 2_000;
/** The server says something every 15 seconds. Where a network is gone without a word, the connection looks open and is silent. */
const SILENT_MS = 40_000;

const followers = new Set<Follower>();
let lastId: string | undefined;
let under: AbortController | undefined;
let isConnected = false;
const watchers = new Set<() => void>();

/** Whether changes are received live. */
export const isLive = (): boolean => isConnected;

export function watchLive(watcher: () => void): () => void {
  watchers.add(watcher);
  return () => watchers.delete(watcher);
}

function setConnected(now: boolean): void {
  if (now === isConnected) return;
  isConnected = now;
  for (const watcher of watchers) watcher();
}

/** Calls `look` after each change of a course. @returns a function that ends it */
export function onNews(course: number | 'all', look: () => void): () => void {
  const follower = { course, look };
  followers.add(follower);
  follow();
  return () => {
    followers.delete(follower);
    if (followers.size === 0) under?.abort();
  };
}

/** A hidden page closes its connection, since a browser has few for all of its tabs. */
document.addEventListener('visibilitychange', () => {
  if (document.hidden) under?.abort();
  else follow();
});

function follow(): void {
  if (under !== undefined || followers.size === 0 || document.hidden) return;
  const mine = new AbortController();
  under = mine;
  void run(mine.signal).finally(() => {
    setConnected(false);
    if (under === mine) under = undefined;
    follow();
  });
}

async function run(signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const silent = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const heard = (): void => {
      clearTimeout(timer);
      timer = setTimeout(() => silent.abort(), SILENT_MS);
    };
    heard();
    try {
      const headers = lastId === undefined ? {} : { 'last-event-id': lastId };
      const { body } = await askServer('/api/events', { signal: AbortSignal.any([signal, silent.signal]), headers });
      setConnected(true);
      // Changes since the page was read may have been missed.
      for (const { look } of followers) look();
      if (body !== null) await readEvents(body, heard);
    } catch (error) {
      // The server has no such route, or the token may not use it: people have to reload the page.
      if (error instanceof Refusal && error.status < 500 && error.status !== 429) return untilAborted(signal);
    } finally {
      clearTimeout(timer);
    }
    setConnected(false);
    if (!signal.aborted) await new Promise((go) => setTimeout(go, AGAIN_MS));
  }
}

const untilAborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));

async function readEvents(body: ReadableStream<Uint8Array>, heard: () => void): Promise<void> {
  let text = '';
  const reader = body.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>).getReader();
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    heard();
    text += value;
    const events = text.split('\n\n');
    text = events.pop() ?? '';
    for (const event of events) take(event);
  }
}

function take(event: string): void {
  const fields = new Map(event.split('\n').map((line) => [line.split(':', 1)[0], line.replace(/^[^:]*: ?/, '')]));
  lastId = fields.get('id') ?? lastId;
  const data = fields.get('data');
  // More was missed than the server sends one by one.
  if (fields.get('event') === 'reset') tell(undefined);
  else if (data !== undefined) tell((JSON.parse(data) as News).course_id);
}

const changed = new Set<number | undefined>();

/** @param course undefined: not known, so it may be any */
export function tell(course: number | undefined): void {
  if (changed.size === 0) setTimeout(tellFollowers, TOGETHER_MS);
  changed.add(course);
}

function tellFollowers(): void {
  for (const { course, look } of followers)
    if (course === 'all' || changed.has(course) || changed.has(undefined)) look();
  changed.clear();
}
