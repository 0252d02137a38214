import type { ComponentChildren } from 'preact';
import { ChartFigure } from './figure.tsx';
import { scale } from './scale.ts';
import { useWidth } from './width.ts';

export interface Bar {
  readonly name: string;
  readonly short?: string;
  readonly value: number;
  readonly text: string;
}

interface BarChartProps {
  readonly sentence: string;
  readonly head: readonly [string, string];
  readonly bars: readonly Bar[];
  readonly why?: ComponentChildren;
}

const HEIGHT = 170;
const [TOP, BOTTOM, GAP] = [20, 22, 6];

/** One bar for each value, which is written above it. */
export function BarChart({ sentence, head, bars, why }: BarChartProps) {
  const { ref, width } = useWidth();
  const step = Math.min(72, width / Math.max(1, bars.length));
  const y = scale(0, Math.max(1e-9, ...bars.map(({ value }) => value)), HEIGHT - BOTTOM, TOP);
  return (
    <ChartFigure why={why} sentence={sentence} head={head} rows={bars.map(({ name, text }) => [name, text])}>
      <div ref={ref}>
        <svg class="chart" role="img" aria-label={sentence} viewBox={`0 0 ${width} ${HEIGHT}`}>
          <line class="axis" x1="0" x2={width} y1={HEIGHT - BOTTOM} y2={HEIGHT - BOTTOM} />
          {bars.map(({ name, short = name, value, text }, index) => (
            <g key={name}>
              <rect
                class="bar"
                x={index * step + GAP / 2}
                width={step - GAP}
                y={y(value)}
                height={HEIGHT - BOTTOM - y(value)}
              />
              <text x={(index + 0.5) * step} y={y(value) - 5} text-anchor="middle">
                {text}
              </text>
              <text x={(index + 0.5) * step} y={HEIGHT - 6} text-anchor="middle">
                {short}
              </text>
            </g>
          ))}
        </svg>
      </div>
    </ChartFigure>
  );
}
