import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { t } from '../i18n/index.ts';
import { Scroll } from '../parts/scroll.tsx';

interface ChartFigureProps {
  /** What it shows, in one sentence. */
  readonly sentence: string;
  readonly head: readonly string[];
  /** The same data as a table; the first cell names the row. */
  readonly rows: readonly (readonly string[])[];
  /** The button that opens its definition. */
  readonly why?: ComponentChildren;
  readonly children: ComponentChildren;
}

/** A chart with its sentence above it and its table below. */
export function ChartFigure({ sentence, head, rows, why, children }: ChartFigureProps) {
  const [isOpen, setOpen] = useState(false);
  return (
    <figure>
      <figcaption>
        {sentence} {why}
      </figcaption>
      {children}
      <details onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
        <summary>{t('chart.table')}</summary>
        {isOpen && <Twin sentence={sentence} head={head} rows={rows} />}
      </details>
    </figure>
  );
}

const Twin = ({ sentence, head, rows }: Omit<ChartFigureProps, 'children' | 'why'>) => (
  <Scroll label={sentence}>
    <table>
      <thead>
        <tr>
          {head.map((cell, index) => (
            <th key={cell} scope="col" class={index === 0 ? '' : 'number'}>
              {cell}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map(([name, ...cells]) => (
          <tr key={name}>
            <th scope="row">{name}</th>
            {cells.map((cell, index) => (
              <td key={head[index + 1]} class="number">
                {cell}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  </Scroll>
);
