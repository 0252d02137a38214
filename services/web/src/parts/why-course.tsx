import type { ComponentChildren } from 'preact';
import type { CourseMetrics } from '#libs/serve/course-metrics.ts';
import { get } from '../api/ask.ts';
import { useAnswer } from '../api/use-answer.ts';
import { t } from '../i18n/index.ts';
import { Problem } from './problem.tsx';
import { WhyButton } from './why-button.tsx';

/** The totals of a course, and for how many students each is known. */
const KNOWN_OF = {
  attention: ({ attention, total_students }) => (attention.students === null ? 0 : total_students),
  students: ({ total_students }) => total_students,
  engagement: ({ avg_engagement_count }) => avg_engagement_count,
  success: ({ avg_success_rate_count }) => avg_success_rate_count,
  flags: ({ total_students }) => total_students,
} as const satisfies Readonly<Record<string, (course: CourseMetrics) => number>>;
type CourseTotal = keyof typeof KNOWN_OF;

interface WhyCourseProps {
  readonly total: CourseTotal;
  readonly course: number;
  readonly label: string;
  readonly children: ComponentChildren;
}

/** A total of a course: what it means, and over whom it is counted. */
export const WhyCourse = ({ total, course, label, children }: WhyCourseProps) => (
  <WhyButton label={label} panel={() => <TotalPanel total={total} course={course} />}>
    {children}
  </WhyButton>
);

function TotalPanel({ total, course }: Pick<WhyCourseProps, 'total' | 'course'>) {
  const path = `/api/metrics/course/${course}`;
  const { data, error } = useAnswer(path, () => get<CourseMetrics[]>(path), course);
  const [metrics] = data ?? [];
  return (
    <>
      <p>{t(`total.${total}`)}</p>
      <Problem error={error} />
      {metrics !== undefined && <p>{t('over.known', { n: KNOWN_OF[total](metrics), all: metrics.total_students })}</p>}
    </>
  );
}
