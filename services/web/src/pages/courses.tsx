import type { ListedCourse } from '#libs/serve/courses.ts';
import { getAll } from '../api/ask.ts';
import { courseName } from '../api/names.ts';
import { useAnswer } from '../api/use-answer.ts';
import { dayText, number, orDash, t } from '../i18n/index.ts';
import { isAtRest, lastDayOf } from '../parts/as-of.tsx';
import { Download } from '../parts/download.tsx';
import { useReturn } from '../parts/kept.ts';
import { Page } from '../parts/page.tsx';
import { Problem } from '../parts/problem.tsx';
import { Scroll } from '../parts/scroll.tsx';
import { WhyTotal } from '../parts/why-button.tsx';
import { WhyCourse } from '../parts/why-course.tsx';
import { courseHref } from '../route.ts';

/** The first page: every course, beginning with those where most students need attention; courses at rest come last. */
export function CoursesPage({ today }: { readonly today: string | null }) {
  const { data, error } = useAnswer('courses', () => getAll<ListedCourse>('/api/courses?limit=1000'), 'all');
  useReturn(0, false);
  const running = data?.filter(({ as_of }) => !isAtRest(as_of, today)) ?? [];
  const judged = running.flatMap(({ attention }) => (attention === null ? [] : [attention]));
  return (
    <Page title={t('courses.title')}>
      <Problem error={error} />
      {data === undefined && error === undefined && <p class="muted">{t('loading')}</p>}
      {data?.length === 0 && <p class="lead">{t('courses.none')}</p>}
      {data !== undefined && data.length > 0 && (
        <>
          <p class="lead">
            <WhyTotal
              label={t('courses.attention')}
              sentences={[t('total.attention'), t('total.courses'), t('over.courses', { n: judged.length })]}
            >
              {t('courses.lead', { n: orDash(sumOf(judged)) })}
            </WhyTotal>{' '}
            {t('courses.of', { n: data.length })}
            {running.length < data.length && ` ${t('courses.resting', { n: data.length - running.length })}`}
            {judged.length < running.length && ` ${t('courses.unjudged', { n: running.length - judged.length })}`}
          </p>
          <CourseTable courses={data} today={today} />
          <Download path="/api/courses?limit=1000" label={t('courses.title')} />
        </>
      )}
    </Page>
  );
}

/** Unknown if no count is known. */
const sumOf = (counts: readonly number[]): number | null =>
  counts.length === 0 ? null : counts.reduce((sum, count) => sum + count, 0);

const TOTALS = [
  ['attention', ({ attention }: ListedCourse) => orDash(attention)],
  ['students', ({ students }: ListedCourse) => number(students)],
  ['engagement', ({ averages }: ListedCourse) => orDash(averages.engagement_score, 1)],
  ['success', ({ averages }: ListedCourse) => orDash(averages.success_rate, 1)],
  ['flags', ({ open_flags }: ListedCourse) => number(open_flags)],
] as const;

interface CourseTableProps {
  readonly courses: readonly ListedCourse[];
  readonly today: string | null;
}

function CourseTable({ courses, today }: CourseTableProps) {
  const rests = ({ as_of }: ListedCourse): boolean => isAtRest(as_of, today);
  const inOrder = courses.toSorted(
    (a, b) =>
      Number(rests(a)) - Number(rests(b)) || (b.attention ?? 0) - (a.attention ?? 0) || a.course_id - b.course_id,
  );
  const isUrgent = (total: string, course: ListedCourse): boolean =>
    total === 'attention' && (course.attention ?? 0) > 0 && !rests(course);
  return (
    <Scroll label={t('courses.title')}>
      <table>
        <thead>
          <tr>
            <th scope="col">{t('courses.course')}</th>
            {TOTALS.map(([total]) => (
              <th key={total} scope="col" class="number">
                {t(`courses.${total}`)}
              </th>
            ))}
            <th scope="col" class="number">
              {t('courses.asOf')}
            </th>
          </tr>
        </thead>
        <tbody>
          {inOrder.map((course) => (
            <tr key={course.course_id}>
              <th scope="row">
                <a href={courseHref(course.course_id)}>
                  <bdi>{courseName(course)}</bdi>
                </a>
              </th>
              {TOTALS.map(([total, text]) => (
                <td key={total} class={isUrgent(total, course) ? 'number alarm' : 'number'}>
                  <WhyCourse total={total} course={course.course_id} label={t(`courses.${total}`)}>
                    {text(course)}
                  </WhyCourse>
                </td>
              ))}
              <td class="number">{asOfText(course, today)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}

function asOfText({ as_of }: ListedCourse, today: string | null): string {
  if (as_of === null) return '–';
  return isAtRest(as_of, today) ? t('courses.rest', { day: dayText(lastDayOf(as_of)) }) : dayText(as_of);
}
