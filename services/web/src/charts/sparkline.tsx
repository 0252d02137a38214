import { orDash, t } from '../i18n/index.ts';
import { pathOf, scale } from './scale.ts';

const [WIDTH, HEIGHT, DAYS] = [112, 24, 28];

/** Four weeks of a curve from 0 to 100; screen readers get its first and last value. */
export function Sparkline({ values }: { readonly values: readonly (number | null)[] }) {
  if (values.length === 0) return <span class="muted">–</span>;
  const x = scale(DAYS - values.length, DAYS - 1, 1 + (WIDTH - 2) * (1 - values.length / DAYS), WIDTH - 1);
  const y = scale(0, 100, HEIGHT - 2, 2);
  const label = t('spark.label', { from: orDash(values[0]), to: orDash(values.at(-1)) });
  return (
    <svg class="spark" role="img" aria-label={label} width={WIDTH} height={HEIGHT} viewBox={`0 0 ${WIDTH} ${HEIGHT}`}>
      <path class="axis" d={`M0 ${HEIGHT - 1.5}H${WIDTH}`} />
      <path class="stroke" d={pathOf(values, (index) => x(DAYS - values.length + index), y)} />
    </svg>
  );
}
