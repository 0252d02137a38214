import { t, WEEKDAYS, weekdayText, word } from '../i18n/index.ts';
import { cellText, isNumber, isRun } from './cell-text.ts';
import { Scroll } from './scroll.tsx';

type Parts = Readonly<Record<string, unknown>>;
type Row = Readonly<Record<string, unknown>>;

/** Left out, since the day is shown above. */
const SAID: ReadonlySet<string> = new Set(['as_of']);
/** The column that names what a row is about. */
const NAME = 'name';
/** Longer tables are collapsed. */
const SHORT = 8;

function partName(name: string): string {
  const weekday = (WEEKDAYS as readonly string[]).indexOf(name);
  return weekday < 0 ? word(`part.${name}`, name) : weekdayText(weekday, 'long');
}

/** The numbers between the rows and the value: single ones in a list, several in tables. */
export function ExplainedParts({ parts }: { readonly parts: Parts }) {
  const named = Object.entries(parts).filter(([name]) => !SAID.has(name));
  if (named.length === 0) return null;
  const single = named.filter(([, value]) => rowsOf(value) === null);
  return (
    <section>
      <h3>{t('why.parts')}</h3>
      {single.length > 0 && (
        <dl class="parts">
          {single.map(([name, value]) => (
            <div key={name}>
              <dt>{partName(name)}</dt>
              <dd>
                <bdi>{cellText(name, value) || t('none')}</bdi>
              </dd>
            </div>
          ))}
        </dl>
      )}
      {named.map(([name, value]) => (
        <PartTable key={name} name={name} rows={rowsOf(value)} />
      ))}
    </section>
  );
}

/** The rows of a table; null: a single value. */
function rowsOf(value: unknown): readonly Row[] | null {
  if (typeof value !== 'object' || value === null) return null;
  if (Array.isArray(value)) return value.some(isRow) && !value.every(isRun) ? (value as Row[]) : null;
  return Object.entries(value).map(([name, each]) => {
    const row = { [NAME]: partName(name) };
    if (!isRow(each)) return { ...row, value: each };
    // Amounts of time are in seconds, all others are counts.
    return name === 'time' ? { ...row, ...inMinutes(each) } : { ...row, ...each };
  });
}

const isRow = (value: unknown): value is Row => typeof value === 'object' && value !== null && !Array.isArray(value);

const inMinutes = ({ value, target_a_week: target, ...rest }: Row): Row => ({
  value: typeof value === 'number' ? value / 60 : null,
  target_a_week: typeof target === 'number' ? target / 60 : null,
  ...rest,
});

function PartTable({ name, rows }: { readonly name: string; readonly rows: readonly Row[] | null }) {
  if (rows === null || rows.length === 0) return null;
  return (
    <details open={rows.length <= SHORT}>
      <summary>{t('why.table', { what: partName(name), n: rows.length })}</summary>
      <RowTable label={partName(name)} rows={rows} />
    </details>
  );
}

function RowTable({ label, rows }: { readonly label: string; readonly rows: readonly Row[] }) {
  const columns = Object.keys(rows[0] ?? {});
  const side = (column: string): string =>
    rows.every((row) => row[column] === null || isNumber(row[column])) ? 'number' : '';
  return (
    <Scroll label={label}>
      <table class="small">
        <thead>
          <tr>
            {columns.map((column) => (
              <th key={column} scope="col" class={side(column)}>
                {partName(column)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={JSON.stringify(row)}>
              {columns.map((column) => (
                <td key={column} class={side(column)}>
                  <bdi>{column === NAME ? String(row[column]) : cellText(column, row[column])}</bdi>
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}
