import { useEffect, useState } from 'preact/hooks';
import type { Freshness } from '#libs/serve/freshness.ts';
import { ChartFigure } from '../charts/figure.tsx';
import { pathOf, scale } from '../charts/scale.ts';
import { useWidth } from '../charts/width.ts';
import { number, t, timeText } from '../i18n/index.ts';

/** What was read at one moment. */
export interface FlowSample {
  /** Milliseconds since 1970. */
  readonly at: number;
  /** The longest of the families, milliseconds; null: not known. */
  readonly lag: number | null;
  /** Changes taken in by all processes that live, since they were started. */
  readonly staged: number;
}

const HOUR_MS = 3_600_000;

/** The samples of the last hour at most, since the page was opened. */
export function useFlow(freshness: Freshness | undefined): readonly FlowSample[] {
  const [samples, setSamples] = useState<readonly FlowSample[]>([]);
  useEffect(() => {
    if (freshness === undefined) return;
    const at = Date.now();
    const lags = Object.values(freshness.lag_ms);
    const lag = lags.includes(null) ? null : Math.max(...lags.map((each) => each ?? 0));
    const staged = freshness.instances.filter(({ alive }) => alive).reduce((sum, each) => sum + each.staged, 0);
    setSamples((old) => [...old.filter((sample) => at - sample.at < HOUR_MS), { at, lag, staged }]);
  }, [freshness]);
  return samples;
}

const HEIGHT = 140;
const [LEFT, RIGHT, TOP, BOTTOM] = [56, 8, 8, 22];

/** The lag since the page was opened, and how much came in meanwhile. */
export function Flow({ samples }: { readonly samples: readonly FlowSample[] }) {
  const [first, last] = [samples[0], samples.at(-1)];
  return first === undefined || last === undefined ? null : <FlowChart samples={samples} first={first} last={last} />;
}

interface FlowChartProps {
  readonly samples: readonly FlowSample[];
  readonly first: FlowSample;
  readonly last: FlowSample;
}

function FlowChart({ samples, first, last }: FlowChartProps) {
  const { ref, width } = useWidth();
  const most = Math.max(100, ...samples.map(({ lag }) => lag ?? 0));
  const x = scale(first.at, Math.max(last.at, first.at + 60_000), LEFT, width - RIGHT);
  const y = scale(0, most, HEIGHT - BOTTOM, TOP);
  const minutes = Math.max(1 / 60, (last.at - first.at) / 60_000);
  const sentence = `${t('flow.lag', { most: Math.max(...samples.map(({ lag }) => lag ?? 0)), time: timeText(first.at) })} ${t('flow.rate', { rate: Math.max(0, Math.round((last.staged - first.staged) / minutes)) })}`;
  return (
    <section>
      <h2>{t('flow.title')}</h2>
      <ChartFigure
        sentence={sentence}
        head={[t('flow.time'), t('ops.lag'), t('flow.staged')]}
        rows={samples
          .toReversed()
          .map(({ at, lag, staged }) => [timeText(at), lag === null ? '–' : number(lag), number(staged)])}
      >
        <div ref={ref}>
          <svg class="chart" role="img" aria-label={sentence} viewBox={`0 0 ${width} ${HEIGHT}`}>
            {[0, most].map((level) => (
              <g key={level}>
                <line class="axis" x1={LEFT} x2={width - RIGHT} y1={y(level)} y2={y(level)} />
                <text x={LEFT - 6} y={y(level) + 4} text-anchor="end">
                  {number(level)} ms
                </text>
              </g>
            ))}
            <path
              class="stroke"
              d={pathOf(
                samples.map(({ lag }) => lag),
                (index) => x(samples[index]?.at ?? first.at),
                y,
              )}
            />
            <text x={LEFT} y={HEIGHT - 4}>
              {timeText(first.at)}
            </text>
            <text x={width - RIGHT} y={HEIGHT - 4} text-anchor="end">
              {timeText(last.at)}
            </text>
          </svg>
        </div>
      </ChartFigure>
    </section>
  );
}
