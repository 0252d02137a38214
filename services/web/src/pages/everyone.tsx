import { useMemo } from 'preact/hooks';
import type { ClassStudent } from '#libs/serve/class-students.ts';
import type { NameOf } from '../api/names.ts';
import { Sparkline } from '../charts/sparkline.tsx';
import { currentLanguage, number, orDash, t } from '../i18n/index.ts';
import { useKept } from '../parts/kept.ts';
import { Scroll } from '../parts/scroll.tsx';
import { usePrinting } from '../parts/use-printing.ts';
import { Why } from '../parts/why.tsx';
import { studentHref } from '../route.ts';

interface EveryoneProps {
  readonly course: number;
  readonly students: readonly ClassStudent[];
  readonly nameOf: NameOf;
}

/** Rows shown at once, however many students there are; on paper all. */
const ROWS = 50;

type Column = 'name' | 'attention' | 'score' | 'inactive' | 'grade' | 'success' | 'flags';
const COLUMNS: readonly Column[] = ['name', 'attention', 'score', 'inactive', 'grade', 'success', 'flags'];
const FILTERS = ['all', 'attention', 'flags', 'none'] as const;
type Filter = (typeof FILTERS)[number];

interface Row {
  readonly student: ClassStudent;
  readonly name: string;
}

type Order = readonly [column: Column, isDescending: boolean];

const VALUES: Readonly<Record<Exclude<Column, 'name'>, (student: ClassStudent) => number | null>> = {
  attention: ({ attention }) => attention?.value ?? null,
  score: ({ engagement_score }) => engagement_score,
  inactive: ({ days_inactive }) => days_inactive,
  grade: ({ avg_grade }) => avg_grade,
  success: ({ success_rate }) => success_rate,
  flags: ({ flags }) => flags.length,
};

const PASSES: Readonly<Record<Filter, (student: ClassStudent) => boolean>> = {
  all: () => true,
  attention: ({ attention }) => attention !== null,
  flags: ({ flags }) => flags.length > 0,
  none: ({ attention, flags }) => attention === null && flags.length === 0,
};

/** Unknown values come last in either direction. */
export function sortRows(rows: readonly Row[], [column, isDescending]: Order, language: string): Row[] {
  const sign = isDescending ? -1 : 1;
  if (column === 'name') {
    const { compare } = new Intl.Collator(language, { numeric: true });
    return rows.toSorted((a, b) => sign * compare(a.name, b.name));
  }
  const numberOf = VALUES[column];
  const keyed = rows.map((row) => [numberOf(row.student), row] as const);
  keyed.sort(([a], [b]) => (a === null || b === null ? Number(a === null) - Number(b === null) : sign * (a - b)));
  return keyed.map(([, row]) => row);
}

/** A search for "Elodie" finds "Élodie", in any Unicode normalisation form. */
const forSearch = (text: string, language: string): string =>
  text.normalize('NFKD').replaceAll(/\p{M}/gu, '').toLocaleLowerCase(language);

/** Every student of the course, sorted and filtered, a page at a time. */
export function Everyone({ course, students, nameOf }: EveryoneProps) {
  const [order, setOrder] = useKept<Order>(`order ${course}`, ['name', false]);
  const [filter, setFilter] = useKept<Filter>(`filter ${course}`, 'all');
  const [search, setSearch] = useKept(`search ${course}`, '');
  const [page, setPage] = useKept(`page ${course}`, 0);
  const isPrinting = usePrinting();
  const language = currentLanguage();
  const rows = useMemo(() => {
    const wanted = forSearch(search.trim(), language);
    const named = students.map((student) => ({ student, name: nameOf(student.student_id) }));
    const kept = named.filter(
      ({ student, name }) => PASSES[filter](student) && forSearch(name, language).includes(wanted),
    );
    return sortRows(kept, order, language);
  }, [students, nameOf, filter, search, order, language]);
  const pages = Math.max(1, Math.ceil(rows.length / ROWS));
  const shown = Math.min(page, pages - 1);
  const sortBy = (column: Column): void => {
    const [old, isDescending] = order;
    setOrder([column, old === column ? !isDescending : column !== 'name']);
    setPage(0);
  };
  if (students.length === 0) return null;
  return (
    <section>
      <h2 id="everyone">{t('everyone.title')}</h2>
      <div class="tools">
        <label>
          {t('everyone.search')}
          <input
            type="search"
            value={search}
            onInput={({ currentTarget }) => {
              setSearch(currentTarget.value);
              setPage(0);
            }}
          />
        </label>
        <label>
          {t('everyone.show')}
          <select
            value={filter}
            onChange={({ currentTarget }) => {
              setFilter(currentTarget.value as Filter);
              setPage(0);
            }}
          >
            {FILTERS.map((each) => (
              <option key={each} value={each}>
                {t(`everyone.filter.${each}`)}
              </option>
            ))}
          </select>
        </label>
      </div>
      {/* Outside of the tools, which are not printed: paper has to say if it shows only some students. */}
      <p class="muted small" role="status">
        {t('everyone.count', { n: rows.length, all: students.length })}
      </p>
      <Scroll label={t('everyone.title')}>
        <table class="everyone">
          <Head order={order} sortBy={sortBy} />
          <tbody>
            {(isPrinting ? rows : rows.slice(shown * ROWS, (shown + 1) * ROWS)).map((row) => (
              <StudentRow key={row.student.student_id} course={course} row={row} />
            ))}
          </tbody>
        </table>
      </Scroll>
      {pages > 1 && (
        <div class="tools">
          {/* Not disabled: on the last page keyboard users would lose the focus. */}
          <button type="button" class="act" aria-disabled={shown === 0} onClick={() => setPage(Math.max(0, shown - 1))}>
            {t('everyone.previous')}
          </button>
          <span class="small" role="status">
            {t('everyone.page', { page: shown + 1, pages })}
          </span>
          <button
            type="button"
            class="act"
            aria-disabled={shown === pages - 1}
            onClick={() => setPage(Math.min(pages - 1, shown + 1))}
          >
            {t('everyone.next')}
          </button>
        </div>
      )}
    </section>
  );
}

function Head({ order: [sorted, isDescending], sortBy }: { readonly order: Order; sortBy(column: Column): void }) {
  const sortOf = (column: Column) => (column !== sorted ? 'none' : isDescending ? 'descending' : 'ascending');
  const cell = (column: Column) => (
    <th
      key={column}
      scope="col"
      aria-sort={sortOf(column)}
      class={column === 'name' || column === 'flags' || column === 'attention' ? '' : 'number'}
    >
      <button type="button" class="plain" onClick={() => sortBy(column)}>
        {t(`everyone.${column}`)}
        <span aria-hidden="true">{column !== sorted ? '' : isDescending ? ' ↓' : ' ↑'}</span>
      </button>
    </th>
  );
  return (
    <thead>
      <tr>
        {COLUMNS.slice(0, 3).map(cell)}
        <th scope="col">{t('everyone.weeks')}</th>
        {COLUMNS.slice(3).map(cell)}
      </tr>
    </thead>
  );
}

function StudentRow({ course, row: { student, name } }: { readonly course: number; readonly row: Row }) {
  const { student_id, attention, engagement_score, days_inactive, avg_grade, success_rate, flags } = student;
  const why = (feature: keyof ClassStudent, label: string, value: number | null, digits: number) => (
    <Why feature={feature} course={course} student={student_id} label={label}>
      {value === null ? <span class="muted">–</span> : number(value, digits)}
    </Why>
  );
  return (
    <tr>
      <th scope="row">
        <a href={studentHref(course, student_id)}>
          <bdi>{name}</bdi>
        </a>
      </th>
      <td>
        {attention !== null && (
          <Why feature="attention" course={course} student={student_id} label={t('everyone.attention')}>
            <span class={attention.severity === 'high' ? 'alarm' : ''}>{t(`severity.${attention.severity}`)}</span>
          </Why>
        )}
      </td>
      <td class="number">{why('engagement_score', t('everyone.score'), engagement_score, 0)}</td>
      <td>
        <Sparkline values={student.engagement_ma7} />
      </td>
      <td class="number">{why('days_inactive', t('everyone.inactive'), days_inactive, 0)}</td>
      <td class="number">{why('avg_grade', t('everyone.grade'), avg_grade, 1)}</td>
      <td class="number">{why('success_rate', t('everyone.success'), success_rate, 0)}</td>
      <td class="small flags">
        {flags.length === 0 ? (
          <span class="muted">{orDash(null)}</span>
        ) : (
          flags.map((flag) => (
            <Why key={flag} feature={flag} course={course} student={student_id} label={t(`flag.${flag}`)}>
              {t(`flag.${flag}`)}
            </Why>
          ))
        )}
      </td>
    </tr>
  );
}
