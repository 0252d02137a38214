import { askServer, Refusal } from './ask.ts';

/** One changed key, as `GET /api/events` says it. */
interface News {
  readonly course_id: number;
}

interface Follower {
  readonly course: number | 'all';
  look(): void;
}

/** A commit changes several families of a key in a moment: they are read once. Milliseconds. */
const TOGETHER_MS = 120;
const AGAIN_MS = 2_000;

const followers = new Set<Follower>();
let lastId: string | undefined;
let under: AbortController | undefined;
let isConnected = false;
const watchers = new Set<() => void>();

/** Whether changes are shown as they come. */
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

/** Calls `look` after each change of a course. @returns ends it */
export function onNews(course: number | 'all', look: () => void): () => void {
  const follower = { course, look };
  followers.add(follower);
  follow();
  return () => {
    followers.delete(follower);
    if (followers.size === 0) under?.abort();
  };
}

/** A page that nobody looks at holds no connection: a browser has few for all of its tabs. */
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
    try {
      const headers = lastId === undefined ? {} : { 'last-event-id': lastId };
      const { body } = await askServer('/api/events', { signal, headers });
      setConnected(true);
      // What happened since the page was read is not known.
      for (const { look } of followers) look();
      if (body !== null) await readEvents(body);
    } catch (error) {
      // A server without the route, or a token that may not ask: the page is read anew by hand.
      if (error instanceof Refusal && error.status < 500 && error.status !== 429) return untilAborted(signal);
    }
    setConnected(false);
    if (!signal.aborted) await new Promise((go) => setTimeout(go, AGAIN_MS));
  }
}

const untilAborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));

async function readEvents(body: ReadableStream<Uint8Array>): Promise<void> {
  let text = '';
  const reader = body.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>).getReader();
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
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
  // More was missed than the server tells one by one.
  if (fields.get('event') === 'reset') tell(undefined);
  else if (data !== undefined) tell((JSON.parse(data) as News).course_id);
}

const changed = new Set<number | undefined>();

/** @param course undefined: of which one is not known, so it may be any */
export function tell(course: number | undefined): void {
  if (changed.size === 0) setTimeout(tellFollowers, TOGETHER_MS);
  changed.add(course);
}

function tellFollowers(): void {
  for (const { course, look } of followers)
    if (course === 'all' || changed.has(course) || changed.has(undefined)) look();
  changed.clear();
}
