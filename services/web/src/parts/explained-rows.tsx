import type { ComponentChildren } from 'preact';
import { useRef, useState } from 'preact/hooks';
import type { Explanation } from '#libs/explain/index.ts';
import { instantText, t, upTo, word } from '../i18n/index.ts';
import { shortName, timeSpent } from './cell-text.ts';
import { Scroll } from './scroll.tsx';

type Rows = Explanation['rows'];
type LeftOut = Explanation['left_out'];
type ReadAs = Rows['listed'][number]['read_as'];

/** How many rows are shown at first. */
const FIRST = 10;

/** The rows of the learning platform that a number rests on, the latest first. */
export const ExplainedRows = ({ rows }: { readonly rows: Rows }) => (
  <section>
    <h3>{t('why.rows', { n: rows.count })}</h3>
    {rows.count === 0 && <p>{t('why.noRows')}</p>}
    <RowList
      rows={rows}
      label={t('why.rows', { n: rows.count })}
      head={t('row.says')}
      says={({ read_as }) => readAsText(read_as)}
    />
  </section>
);

/** The rows that were left out, and why. */
export function RowsLeftOut({ rows }: { readonly rows: LeftOut }) {
  if (rows.count === 0) return null;
  const title = t('why.leftOut', { n: rows.count });
  return (
    <section>
      <h3>{title}</h3>
      <RowList
        rows={rows}
        label={title}
        head={t('row.why')}
        says={({ table, reason, why, of }) => (
          <>
            {word(`table.${table}`, table)}
            {t('colon')} {t(`left.${reason}`)}
            {of !== null && ` (${shortName(of)})`}
            {reason === 'rejected' && (
              <span class="muted" lang="en" dir="ltr">
                {' '}
                {why}
              </span>
            )}
          </>
        )}
      />
    </section>
  );
}

interface RowListProps<R> {
  readonly rows: { readonly count: number; readonly listed: readonly R[] };
  readonly label: string;
  readonly head: string;
  says(row: R): ComponentChildren;
}

function RowList<R extends { readonly id: string; readonly at: string | null }>(props: RowListProps<R>) {
  const { rows, label, head, says } = props;
  const [most, setMost] = useState(FIRST);
  const table = useRef<HTMLElement>(null);
  const showMore = (): void => {
    setMost(rows.listed.length);
    // The button disappears, and the focus would be lost with it.
    table.current?.focus();
  };
  const shown = rows.listed.slice(0, most);
  const more = rows.count - shown.length;
  if (shown.length === 0) return null;
  return (
    <>
      <Scroll label={label} at={table}>
        <table class="small">
          <thead>
            <tr>
              <th scope="col">{t('row.at')}</th>
              <th scope="col">{head}</th>
              <th scope="col">{t('row.id')}</th>
            </tr>
          </thead>
          <tbody>
            {shown.map((row) => (
              <tr key={row.id}>
                <td>{row.at === null ? t('row.noTime') : instantText(row.at)}</td>
                <td>{says(row)}</td>
                <td title={row.id}>{shortName(row.id)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
      {more > 0 && (
        <p class="small">
          {t('why.more', { n: more })}{' '}
          {rows.listed.length > most && (
            <button type="button" class="act" onClick={showMore}>
              {t('why.showMore')}
            </button>
          )}
        </p>
      )}
    </>
  );
}

/** What a row was read as, in a few words. */
function readAsText(read: ReadAs): string {
  if ('item' in read)
    return t('row.grade', { item: String(read['item']), value: mark(read['value']), max: mark(read['max']) });
  if ('enrolled' in read) return t('row.enrolled');
  const { kind, type, resource, state, seconds, due_at: due } = read;
  const what = kind === 'completion' ? t('said.completion') : word(`said.${type}`, String(type));
  return [
    what,
    ...(typeof resource === 'string' ? [shortName(resource)] : []),
    ...(typeof state === 'number' ? [t(`said.${STATES[state] ?? 'done'}`)] : []),
    ...(typeof seconds === 'number' && seconds > 0 ? [timeSpent(seconds)] : []),
    ...(typeof due === 'string' ? [t('row.due', { time: instantText(due) })] : []),
  ].join(' · ');
}

const STATES = ['not done', 'done', 'passed', 'failed'] as const;

/** A decimal that arrives as text; null is not a mark yet. */
const mark = (value: unknown): string => (value === null ? '–' : upTo(Number(value), 2));
