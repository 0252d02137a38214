import { useEffect, useState } from 'preact/hooks';
import type { Operation } from '#libs/serve/operation.ts';
import { get } from '../api/ask.ts';
import { ChartFigure } from '../charts/figure.tsx';
import { pathOf, scale } from '../charts/scale.ts';
import { useWidth } from '../charts/width.ts';
import { number, orDash, t, timeText, unitText } from '../i18n/index.ts';

const LOOK_MS = 10_000;

/** The state of operation, read as often as it is measured; the last one stays while the server is away. */
export function useOperation(): Operation | undefined {
  const [operation, setOperation] = useState<Operation | undefined>();
  useEffect(() => {
    const look = (): void => {
      if (!document.hidden) get<Operation>('/api/status').then(setOperation, () => {});
    };
    look();
    const timer = setInterval(look, LOOK_MS);
    return () => clearInterval(timer);
  }, []);
  return operation;
}

const HEIGHT = 140;
const [LEFT, RIGHT, TOP, BOTTOM] = [56, 8, 8, 22];

interface Point {
  readonly at: string;
  /** The greatest lag of all families, milliseconds; null: not known. */
  readonly lag: number | null;
  readonly rate: number | null;
}

const pointsOf = ({ last_hour }: Operation): readonly Point[] =>
  last_hour.map(({ at, lag_ms, changes_per_second }) => {
    const lags = Object.values(lag_ms);
    return { at, lag: lags.includes(null) ? null : Math.max(...lags.map((lag) => lag ?? 0)), rate: changes_per_second };
  });

/** The last hour: the lag, how much came in, and how much of that was new. */
export function Flow({ operation }: { readonly operation: Operation }) {
  const { throughput, noise } = operation;
  const points = pointsOf(operation);
  const known = points.flatMap(({ lag }) => lag ?? []);
  const sentence =
    known.length === 0 ? t('flow.unknown') : t('flow.lag', { most: Math.max(...known), n: known.length });
  return (
    <section>
      <h2>{t('flow.title')}</h2>
      <p>
        {throughput !== null && t('flow.rate', { rate: number(throughput.changes_per_second, 1) })}{' '}
        {noise !== null && t('flow.noise', { received: number(noise.received), changed: number(noise.changed) })}
      </p>
      <ChartFigure
        sentence={sentence}
        head={[t('flow.time'), t('ops.lag'), t('flow.perSecond')]}
        rows={points.toReversed().map(({ at, lag, rate }) => [timeText(at), orDash(lag), orDash(rate, 1)])}
      >
        <FlowChart sentence={sentence} points={points} most={Math.max(100, ...known)} />
      </ChartFigure>
    </section>
  );
}

interface FlowChartProps {
  readonly sentence: string;
  readonly points: readonly Point[];
  readonly most: number;
}

function FlowChart({ sentence, points, most }: FlowChartProps) {
  const { ref, width } = useWidth();
  const x = scale(0, points.length - 1, LEFT, width - RIGHT);
  const y = scale(0, most, HEIGHT - BOTTOM, TOP);
  const [first, last] = [points[0]?.at ?? '', points.at(-1)?.at ?? ''];
  return (
    <div ref={ref}>
      <svg class="chart" role="img" aria-label={sentence} viewBox={`0 0 ${width} ${HEIGHT}`}>
        {[0, most].map((level) => (
          <g key={level}>
            <line class="axis" x1={LEFT} x2={width - RIGHT} y1={y(level)} y2={y(level)} />
            <text x={LEFT - 6} y={y(level) + 4} text-anchor="end">
              {unitText(level, 'millisecond')}
            </text>
          </g>
        ))}
        <path
          class="stroke"
          d={pathOf(
            points.map(({ lag }) => lag),
            x,
            y,
          )}
        />
        <text x={LEFT} y={HEIGHT - 4}>
          {timeText(first)}
        </text>
        <text x={width - RIGHT} y={HEIGHT - 4} text-anchor="end">
          {timeText(last)}
        </text>
      </svg>
    </div>
  );
}
