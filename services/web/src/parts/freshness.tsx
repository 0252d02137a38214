import { useEffect, useState } from 'preact/hooks';
import type { Freshness } from '#libs/serve/freshness.ts';
import { askSoon, Refusal } from '../api/ask.ts';
import { isLive, tell, watchLive } from '../api/live.ts';
import { instantText, t, timeText } from '../i18n/index.ts';
import { sentenceOf } from './problem.tsx';
import { Said } from './said.tsx';

const LOOK_MS = 5_000;
/** A delay that teachers should know about. Milliseconds. */
const BEHIND_MS = 10_000;

interface Known {
  readonly freshness: Freshness | undefined;
  readonly readAt: number | undefined;
  readonly error: Error | undefined;
}

const readFreshness = async (): Promise<Freshness> => await (await askSoon('/api/freshness')).json();

export function useFreshness(): Known {
  const [known, setKnown] = useState<Known>({ freshness: undefined, readAt: undefined, error: undefined });
  useEffect(() => {
    const look = (): void => {
      if (document.hidden) return;
      readFreshness().then(
        (freshness) => setKnown({ freshness, readAt: Date.now(), error: undefined }),
        (error: Error) => {
          setKnown((old) => ({ ...old, error }));
          if (!(error instanceof Refusal) || error.status !== 401) return;
          // If a revoked token were sent again and again, the server would shut this address out, right tokens included.
          clearInterval(timer);
          tell(undefined);
        },
      );
    };
    const timer = setInterval(look, LOOK_MS);
    look();
    return () => clearInterval(timer);
  }, []);
  return known;
}

function useLive(): boolean {
  const [, redraw] = useState(0);
  useEffect(() => watchLive(() => redraw((n) => n + 1)), []);
  return isLive();
}

interface FreshnessLineProps {
  onTimeZone(name: string): void;
  onToday(day: string | null): void;
}

/** Under the head of each page: one line that says whether the data is current, and what is wrong if not. */
export function FreshnessLine({ onTimeZone, onToday }: FreshnessLineProps) {
  const { freshness, readAt, error } = useFreshness();
  const zone = freshness?.time_zone ?? undefined;
  useEffect(() => {
    if (zone !== undefined) onTimeZone(zone);
  }, [zone]);
  // If the server does not say, the pages do without it.
  const today = freshness?.today ?? (error === undefined && freshness === undefined ? undefined : null);
  useEffect(() => {
    if (today !== undefined) onToday(today);
  }, [today]);
  const live = useLive();
  const applied = freshness?.streams.map((stream) => stream.applied).join();
  // Without live changes, the fact that something was applied has to do.
  useEffect(() => {
    if (applied !== undefined && !isLive()) tell(undefined);
  }, [applied]);
  if (error instanceof Refusal && error.status < 500) return null;
  if (error !== undefined) {
    return (
      <div class="notice" role="alert">
        <p>
          {sentenceOf(error)} {readAt !== undefined && t('fresh.shown', { time: timeText(readAt) })}
        </p>
      </div>
    );
  }
  if (freshness === undefined) return <p class="state">{t('loading')}</p>;
  const troubles = troublesOf(freshness);
  const kinds = troubles.map(({ kind }) => kind).join();
  return (
    <>
      {troubles.map(({ kind, text }) => (
        <div class="notice" key={kind}>
          <p>{text}</p>
        </div>
      ))}
      <Said kind={kinds} text={troubles.map(({ text }) => text).join(' ') || t('fresh.well')} />
      <p class="state">
        {troubles.length === 0 && t('fresh.well')} {sinceText(freshness)} {live ? t('fresh.live') : t('fresh.still')}
      </p>
    </>
  );
}

function sinceText({ streams }: Freshness): string {
  const last = streams
    .map(({ committed_at }) => committed_at)
    .filter((at) => at !== null)
    .sort()
    .at(-1);
  return last === undefined ? '' : t('fresh.last', { time: timeText(last) });
}

interface Trouble {
  readonly kind: string;
  readonly text: string;
}

function troublesOf(freshness: Freshness): Trouble[] {
  const { lag_ms, reconcile, streams, troubles } = freshness;
  const lags = Object.values(lag_ms);
  const behind = Math.max(...lags.map((lag) => lag ?? 0));
  const isReading = streams.length === 0 || streams.some(({ phase }) => phase === 'snapshot');
  return [
    ...(isReading ? [{ kind: 'reading', text: t('fresh.reading') }] : []),
    ...(troubles.length > 0 && !isReading ? [{ kind: 'cut', text: t('fresh.cut') }] : []),
    // After a snapshot, at midnight and when settings have changed.
    ...(lags.includes(null) && !isReading ? [{ kind: 'deriving', text: t('fresh.deriving') }] : []),
    ...(behind > BEHIND_MS ? [{ kind: 'behind', text: t('fresh.behind', { n: Math.round(behind / 1000) }) }] : []),
    ...(reconcile === null ? [] : reconcileTrouble(reconcile)),
  ];
}

function reconcileTrouble({ status, verdict, finished_at }: NonNullable<Freshness['reconcile']>): Trouble[] {
  const time = instantText(finished_at);
  if (status === 'failed' || verdict === null) return [{ kind: 'unproved', text: t('fresh.unproved', { time }) }];
  if (verdict.left > 0) return [{ kind: 'differs', text: t('fresh.differs', { n: verdict.left, time }) }];
  return verdict.different > 0 ? [{ kind: 'repaired', text: t('fresh.repaired', { n: verdict.repaired, time }) }] : [];
}
