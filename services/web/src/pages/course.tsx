import type { OpenAttention } from '#libs/serve/attention.ts';
import type { ClassDay } from '#libs/serve/class-days.ts';
import type { ClassStudent } from '#libs/serve/class-students.ts';
import { get, getAll } from '../api/ask.ts';
import { courseName, readCourse, useNames } from '../api/names.ts';
import { useAnswer } from '../api/use-answer.ts';
import { t } from '../i18n/index.ts';
import { AsOf } from '../parts/as-of.tsx';
import { useReturn } from '../parts/kept.ts';
import { Page } from '../parts/page.tsx';
import { Problem } from '../parts/problem.tsx';
import { ClassAsAWhole } from './class.tsx';
import { Everyone } from './everyone.tsx';
import { TalkTo } from './talk-to.tsx';
import { WhatIfPanel } from './what-if.tsx';
import { Work } from './work.tsx';

interface CourseProps {
  readonly course: number;
  readonly today: string | null;
}

/** The page of a course: whom to talk to and why, then everyone, who has handed in what, and the class as a whole. */
export function CoursePage({ course, today }: CourseProps) {
  const courses = useAnswer(`course ${course}`, () => readCourse(course), course);
  const attention = useAnswer(
    `attention ${course}`,
    () => getAll<OpenAttention>(`/api/attention?course_id=${course}&days=all&limit=1000`),
    course,
  );
  const students = useAnswer(
    `students ${course}`,
    () => getAll<ClassStudent>(`/api/metrics/course/${course}/students`),
    course,
  );
  const days = useAnswer(`days ${course}`, () => get<ClassDay[]>(`/api/metrics/course/${course}/days`), course);
  const names = useNames(course, students.data ?? []);
  const { nameOf } = names;
  const listed = courses.data?.[0];
  const title = listed === undefined ? t('course.pseudonym', { id: String(course) }) : courseName(listed);
  const error = attention.error ?? students.error ?? days.error ?? courses.error ?? names.error;
  const isWhole = attention.data !== undefined && students.data !== undefined;
  useReturn(course, isWhole);
  return (
    <Page title={title} isNamed={courses.isRead} back={{ href: '/#/', text: t('courses.title') }}>
      <Problem error={error} />
      {listed?.as_of != null && <AsOf day={listed.as_of} today={today} />}
      {attention.data !== undefined && students.data !== undefined ? (
        <>
          <TalkTo course={course} listed={listed} people={attention.data} students={students.data} nameOf={nameOf} />
          <Everyone course={course} students={students.data} nameOf={nameOf} />
          {students.data.length > 0 && <Work course={course} nameOf={nameOf} />}
          <ClassAsAWhole students={students.data} days={days.data ?? []} collected={listed?.collected} />
          {students.data.length > 0 && <WhatIfPanel course={course} nameOf={nameOf} />}
        </>
      ) : (
        error === undefined && <p class="muted">{t('loading')}</p>
      )}
    </Page>
  );
}
