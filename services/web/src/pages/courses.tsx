import type { ListedCourse } from '#libs/serve/courses.ts';
import { getAll } from '../api/ask.ts';
import { courseName } from '../api/names.ts';
import { useAnswer } from '../api/use-answer.ts';
import { dayText, number, orDash, t } from '../i18n/index.ts';
import { Download } from '../parts/download.tsx';
import { Page } from '../parts/page.tsx';
import { Problem } from '../parts/problem.tsx';
import { Scroll } from '../parts/scroll.tsx';
import { WhyTotal } from '../parts/why-button.tsx';
import { WhyCourse } from '../parts/why-course.tsx';
import { courseHref } from '../route.ts';

/** The first page: every course, those where most students need somebody first. */
export function CoursesPage() {
  const { data, error } = useAnswer('courses', () => getAll<ListedCourse>('/api/courses?limit=1000'), 'all');
  const needing = data?.reduce((sum, { attention }) => sum + attention, 0) ?? 0;
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
              sentences={[t('total.attention'), t('courses.of', { n: data.length })]}
            >
              {t('courses.lead', { n: needing })}
            </WhyTotal>{' '}
            {t('courses.of', { n: data.length })}
          </p>
          <CourseTable courses={data} />
          <Download path="/api/courses?limit=1000" label={t('courses.title')} />
        </>
      )}
    </Page>
  );
}

const TOTALS = [
  ['attention', ({ attention }: ListedCourse) => number(attention)],
  ['students', ({ students }: ListedCourse) => number(students)],
  ['engagement', ({ averages }: ListedCourse) => orDash(averages.engagement_score, 1)],
  ['success', ({ averages }: ListedCourse) => orDash(averages.success_rate, 1)],
  ['flags', ({ open_flags }: ListedCourse) => number(open_flags)],
] as const;

function CourseTable({ courses }: { readonly courses: readonly ListedCourse[] }) {
  const inOrder = courses.toSorted((a, b) => b.attention - a.attention || a.course_id - b.course_id);
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
                <td key={total} class={total === 'attention' && course.attention > 0 ? 'number alarm' : 'number'}>
                  <WhyCourse total={total} course={course.course_id} label={t(`courses.${total}`)}>
                    {text(course)}
                  </WhyCourse>
                </td>
              ))}
              <td class="number">{course.as_of === null ? '–' : dayText(course.as_of)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}
