import type { ComponentChildren } from 'preact';
import { dayText, number, orDash, t } from '../i18n/index.ts';
import { ChartFigure } from './figure.tsx';
import { bandOf, pathOf, scale } from './scale.ts';
import { useWidth } from './width.ts';

export interface LineChartDay {
  readonly day: string;
  readonly value: number | null;
  /** The class's middle half. */
  readonly middle: { readonly p25: number; readonly p50: number; readonly p75: number } | null;
}

interface LineChartProps {
  readonly sentence: string;
  readonly days: readonly LineChartDay[];
  /** Name of the line; absent: only the class is shown. */
  readonly name?: string;
  /** What is usual for the student. */
  readonly own?: number | null;
  readonly why?: ComponentChildren;
}

const HEIGHT = 200;
const [LEFT, RIGHT, TOP, BOTTOM] = [34, 8, 8, 24];
const LEVELS = [0, 25, 50, 75, 100];

/** Days on the horizontal axis, 0 to 100 on the vertical one. */
export function LineChart({ sentence, days, name, own = null, why }: LineChartProps) {
  const { ref, width } = useWidth();
  const x = scale(0, Math.max(1, days.length - 1), LEFT, width - RIGHT);
  const y = scale(0, 100, HEIGHT - BOTTOM, TOP);
  const middle = days.map((each) => each.middle);
  const pairs = middle.map((each) => (each === null ? null : ([each.p25, each.p75] as const)));
  const every = Math.max(1, Math.ceil(days.length / Math.max(2, Math.floor(width / 110))));
  const head = [
    t('chart.day'),
    ...(name === undefined ? [] : [name]),
    t('chart.low'),
    t('chart.median'),
    t('chart.high'),
  ];
  const rows = days.map((each) => [
    dayText(each.day),
    ...(name === undefined ? [] : [orDash(each.value, 1)]),
    ...[each.middle?.p25, each.middle?.p50, each.middle?.p75].map((cut) => orDash(cut, 1)),
  ]);
  return (
    <ChartFigure why={why} sentence={sentence} head={head} rows={rows.toReversed()}>
      <div ref={ref}>
        <svg class="chart" role="img" aria-label={sentence} viewBox={`0 0 ${width} ${HEIGHT}`}>
          {LEVELS.map((level) => (
            <g key={level}>
              <line class="axis" x1={LEFT} x2={width - RIGHT} y1={y(level)} y2={y(level)} />
              <text x={LEFT - 6} y={y(level) + 4} text-anchor="end">
                {number(level)}
              </text>
            </g>
          ))}
          {days.map((each, index) =>
            (days.length - 1 - index) % every === 0 && x(index) > LEFT + 20 ? (
              <text
                key={each.day}
                x={x(index)}
                y={HEIGHT - 6}
                text-anchor={index === days.length - 1 ? 'end' : 'middle'}
              >
                {dayText(each.day)}
              </text>
            ) : null,
          )}
          <path class="band" d={bandOf(pairs, x, y)} />
          <path
            class="stroke middle"
            d={pathOf(
              middle.map((each) => each?.p50 ?? null),
              x,
              y,
            )}
          />
          {own !== null && <path class="stroke own" d={`M${LEFT} ${y(own)}H${width - RIGHT}`} />}
          {name !== undefined && (
            <path
              class="stroke"
              d={pathOf(
                days.map(({ value }) => value),
                x,
                y,
              )}
            />
          )}
        </svg>
      </div>
      <ul class="key">
        {name !== undefined && <KeyItem kind="stroke" text={name} />}
        {own !== null && <KeyItem kind="stroke own" text={t('chart.own')} />}
        <KeyItem kind="stroke middle" text={t('chart.median')} />
        <KeyItem kind="band" text={t('chart.middle')} />
      </ul>
    </ChartFigure>
  );
}

const KeyItem = ({ kind, text }: { readonly kind: string; readonly text: string }) => (
  <li>
    <svg width="22" height="10" aria-hidden="true">
      {kind === 'band' ? <rect class="band" width="22" height="10" /> : <path class={kind} d="M0 5H22" />}
    </svg>
    {text}
  </li>
);
