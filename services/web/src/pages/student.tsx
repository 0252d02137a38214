import type { VNode } from 'preact';
import { ATTENTION_REASONS } from '#libs/domain/flags.ts';
import type { ClassDay } from '#libs/serve/class-days.ts';
import type { StudentMetrics } from '#libs/serve/student-metrics.ts';
import type { TrajectoryPoint } from '#libs/serve/trajectory.ts';
import { get } from '../api/ask.ts';
import { courseName, readCourse, useNames } from '../api/names.ts';
import { useAnswer } from '../api/use-answer.ts';
import { BarChart } from '../charts/bar-chart.tsx';
import { LineChart, type LineChartDay } from '../charts/line-chart.tsx';
import { asSentence, dayText, instantText, number, percentText, t, WEEKDAYS, weekdayText } from '../i18n/index.ts';
import { AsOf } from '../parts/as-of.tsx';
import { timeSpent } from '../parts/cell-text.ts';
import { Page } from '../parts/page.tsx';
import { Problem } from '../parts/problem.tsx';
import { ReasonList } from '../parts/reason-list.tsx';
import { isAnyJudged, quietText, reasonSentences } from '../parts/reasons.ts';
import { Why } from '../parts/why.tsx';
import { Ask } from '../parts/why-button.tsx';
import { courseHref } from '../route.ts';
import { OwnPastFlags } from './own-past-flags.tsx';

interface StudentProps {
  readonly course: number;
  readonly student: number;
  readonly today: string | null;
}

/** The page of one student in one course: what to talk about, the numbers, and how they developed. */
export function StudentPage({ course, student, today }: StudentProps) {
  const metrics = useAnswer(
    `student ${student}`,
    () => get<StudentMetrics[]>(`/api/metrics/student/${student}`),
    course,
  );
  const path = useAnswer(
    `path ${student} ${course}`,
    () => get<TrajectoryPoint[]>(`/api/trajectory/${student}?course_id=${course}&days=90`),
    course,
  );
  const days = useAnswer(`days ${course}`, () => get<ClassDay[]>(`/api/metrics/course/${course}/days`), course);
  const names = useNames(course, [{ student_id: student }]);
  const listed = useAnswer(`course ${course}`, () => readCourse(course)).data?.[0];
  const name = names.nameOf(student);
  const row = metrics.data?.find(({ course_id }) => course_id === course);
  const error = metrics.error ?? path.error ?? days.error ?? names.error;
  return (
    <Page title={name} isNamed={names.isRead} back={{ href: courseHref(course), text: t('student.back') }}>
      <p>
        <bdi>{listed === undefined ? t('course.pseudonym', { id: String(course) }) : courseName(listed)}</bdi>
      </p>
      <Problem error={error} />
      {metrics.data === undefined && error === undefined && <p class="muted">{t('loading')}</p>}
      {metrics.data !== undefined && row === undefined && <p class="lead">{t('student.none')}</p>}
      {row !== undefined && (
        <>
          {row.as_of_date !== null && <AsOf day={row.as_of_date} today={today} />}
          <Opening row={row} days={path.data?.length ?? 0} />
          <Numbers row={row} />
          <Over90Days name={name} points={path.data ?? []} days={days.data ?? []} why={whyOf(row)} />
          <WeeklyRhythm pattern={row.activity_pattern} why={whyOf(row)} />
          <OwnPastFlags row={row} />
        </>
      )}
    </Page>
  );
}

/** The button under a chart that explains its last number. */
type WhyOf = (feature: string, label: string) => VNode;

const whyOf =
  ({ course_id, student_id }: StudentMetrics): WhyOf =>
  (feature, label) => (
    <Why feature={feature} course={course_id} student={student_id} label={label}>
      <Ask />
    </Why>
  );

interface OpeningProps {
  readonly row: StudentMetrics;
  /** The days since the student's first one in the course; 0: not known. */
  readonly days: number;
}

function Opening({ row, days }: OpeningProps) {
  const { attention, course_id, student_id } = row;
  const activity = { ...row, days };
  const reasons = reasonSentences(row, activity);
  const list = <ReasonList reasons={reasons} course={course_id} student={student_id} />;
  if (attention === null)
    return (
      <div>
        <p class="lead">
          {isAnyJudged(row, ATTENTION_REASONS) ? t('student.well') : t('student.notJudged')}{' '}
          {row.absent === null && asSentence(quietText(activity) ?? '')}
        </p>
        {reasons.length > 0 && (
          <>
            <p>{t('student.tooLittle')}</p>
            {list}
          </>
        )}
      </div>
    );
  return (
    <div>
      <p class="lead">
        <Why feature="attention" course={course_id} student={student_id} label={t('talk.attention')}>
          {t('student.attention', { n: attention.value, day: dayText(attention.since) })}
        </Why>
      </p>
      {list}
    </div>
  );
}

const NUMBERS = [
  ['engagement_score', 0],
  ['active_days_30d', 0],
  ['days_inactive', 0],
  ['avg_grade', 1],
  ['latest_grade', 1],
  ['module_grade', 1],
  ['success_rate', 0],
  ['submissions_count', 0],
  ['late_submissions', 0],
  ['punctuality_score', 0],
  ['assignment_completion_rate', 0],
  ['time_spent_30d', 0],
] as const satisfies readonly (readonly [keyof StudentMetrics, number])[];

function Numbers({ row }: { readonly row: StudentMetrics }) {
  return (
    <section>
      <h2>{t('student.numbers')}</h2>
      <dl class="facts">
        {NUMBERS.map(([feature, digits]) => {
          const value = row[feature];
          const label = t(`feature.${feature}`);
          return (
            <div key={feature}>
              <dt>{label}</dt>
              <dd>
                <Why feature={feature} course={row.course_id} student={row.student_id} label={label}>
                  {value === null || value === undefined ? (
                    <span class="muted small">{t('unknown')}</span>
                  ) : feature === 'time_spent_30d' ? (
                    timeSpent(value)
                  ) : (
                    number(value, digits)
                  )}
                </Why>
              </dd>
            </div>
          );
        })}
      </dl>
      {row.last_activity_at !== null && (
        <p class="small muted">
          <Why
            feature="last_activity_at"
            course={row.course_id}
            student={row.student_id}
            label={t('feature.last_activity_at')}
          >
            {t('student.last', { time: instantText(row.last_activity_at) })}
          </Why>
        </p>
      )}
    </section>
  );
}

const WEEKS_OF_NOW = 4;

/** The median before the last four weeks, and before the last activity: a student who stopped is not usually absent. */
function usualOf(values: readonly (number | null)[]): number | null {
  const lastActive = values.findLastIndex((value) => value !== null && value > 0);
  const before = Math.min(values.length - WEEKS_OF_NOW * 7, lastActive < 0 ? values.length : lastActive + 1);
  return medianOf(values.slice(0, Math.max(0, before)));
}

interface Over90DaysProps {
  readonly name: string;
  readonly points: readonly TrajectoryPoint[];
  readonly days: readonly ClassDay[];
  readonly why: WhyOf;
}

function Over90Days({ name, points, days, why }: Over90DaysProps) {
  if (points.length < 2) return <p class="muted">{t('student.short')}</p>;
  const ofClass = new Map(days.map((day) => [day.feature_date, day]));
  const lineOf = (
    value: (point: TrajectoryPoint) => number | null,
    middle: 'engagement_ma7' | 'grade_ma30',
  ): LineChartDay[] =>
    points.map((point) => ({ day: point.x, value: value(point), middle: ofClass.get(point.x)?.[middle] ?? null }));
  const engagement = lineOf(({ y }) => y, 'engagement_ma7');
  const grades = lineOf(({ grade_ma30 }) => grade_ma30, 'grade_ma30');
  const own = usualOf(engagement.map(({ value }) => value));
  return (
    <section>
      <h2>{t('student.over')}</h2>
      <h3>{t('student.engagement')}</h3>
      <LineChart
        sentence={engagementSentence(engagement, own)}
        days={engagement}
        name={name}
        own={own}
        why={why('engagement_ma7', t('student.engagement'))}
      />
      <h3>{t('student.grades')}</h3>
      {grades.some(({ value }) => value !== null) ? (
        <LineChart
          sentence={gradeSentence(grades)}
          days={grades}
          name={name}
          why={why('grade_ma30', t('student.grades'))}
        />
      ) : (
        <p class="muted">{t('student.noGrades')}</p>
      )}
    </section>
  );
}

function medianOf(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null).sort((a, b) => a - b);
  const [low, high] = [known[Math.floor((known.length - 1) / 2)], known[Math.ceil((known.length - 1) / 2)]];
  return low === undefined || high === undefined ? null : (low + high) / 2;
}

function engagementSentence(days: readonly LineChartDay[], own: number | null): string {
  const last = days.at(-1);
  if (last === undefined || last.value === null) return t('student.unknownNow');
  const value = Math.round(last.value);
  const usual = own === null ? '' : ` ${t('student.usual', { own: Math.round(own) })}`;
  return `${t('student.engagementNow', { value, place: placeIn(last) })}${usual}`;
}

function gradeSentence(days: readonly LineChartDay[]): string {
  const last = days.findLast(({ value }) => value !== null);
  return last === undefined || last.value === null
    ? t('student.noGrades')
    : t('student.gradeNow', { value: Math.round(last.value), day: dayText(last.day), place: placeIn(last) });
}

function placeIn({ value, middle }: LineChartDay): string {
  if (value === null || middle === null) return t('place.unknown');
  if (value < middle.p25) return t('place.below');
  return value > middle.p75 ? t('place.above') : t('place.in');
}

interface WeeklyRhythmProps {
  readonly pattern: StudentMetrics['activity_pattern'];
  readonly why: WhyOf;
}

function WeeklyRhythm({ pattern, why }: WeeklyRhythmProps) {
  if (pattern === null) return null;
  const bars = WEEKDAYS.map((day, index) => ({
    name: weekdayText(index, 'long'),
    short: weekdayText(index, 'short'),
    value: pattern[day],
    text: percentText(pattern[day]),
  }));
  const most = bars.reduce((best, bar) => (bar.value > best.value ? bar : best));
  return (
    <section>
      <h2>{t('student.rhythm')}</h2>
      <BarChart
        sentence={t('student.rhythmIs', { day: most.name, share: most.text })}
        head={[t('chart.weekday'), t('student.share')]}
        bars={bars}
        why={why('activity_pattern', t('student.rhythm'))}
      />
    </section>
  );
}
