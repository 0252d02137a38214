import type { ClassDay } from '#libs/serve/class-days.ts';
import type { ClassStudent } from '#libs/serve/class-students.ts';
import type { ListedCourse } from '#libs/serve/courses.ts';
import { type Bar, BarChart } from '../charts/bar-chart.tsx';
import { LineChart } from '../charts/line-chart.tsx';
import { listText, number, orDash, percentText, t, weekdayText } from '../i18n/index.ts';
import { Ask, WhyTotal } from '../parts/why-button.tsx';

interface ClassProps {
  readonly students: readonly ClassStudent[];
  readonly days: readonly ClassDay[];
  readonly collected: ListedCourse['collected'] | undefined;
}

/** Kinds of data that teachers know and that a course may not collect. */
const KINDS = ['login', 'view', 'forum_post', 'submission', 'completion_row', 'duration'] as const;

/** The class in charts, each with a sentence, and a note on what is not counted. */
export function ClassAsAWhole({ students, days, collected }: ClassProps) {
  const scores = students.flatMap(({ engagement_score }) => (engagement_score === null ? [] : [engagement_score]));
  const missing = collected === undefined ? [] : KINDS.filter((kind) => collected[kind] === null);
  if (students.length === 0) return null;
  return (
    <section>
      <h2>{t('class.title')}</h2>
      {missing.length > 0 && <p>{t('class.missing', { kinds: listText(missing.map((kind) => t(`kind.${kind}`))) })}</p>}
      {scores.length === 0 ? (
        <p class="muted">{t('class.noScores')}</p>
      ) : (
        <Distribution scores={scores} all={students.length} />
      )}
      {days.length > 1 && (
        <>
          <LineChart
            sentence={trendSentence(days)}
            days={days.map((day) => ({ day: day.feature_date, value: null, middle: day.engagement_ma7 }))}
            why={
              <WhyTotal
                label={t('chart.middle')}
                sentences={[t('total.trend'), t('over.students', { n: days.at(-1)?.students ?? 0 })]}
              >
                <Ask />
              </WhyTotal>
            }
          />
          <Rhythm days={days} />
        </>
      )}
    </section>
  );
}

const BINS = 10;

interface DistributionProps {
  readonly scores: readonly number[];
  /** The number of students; not all have a score. */
  readonly all: number;
}

function Distribution({ scores, all }: DistributionProps) {
  const counts = Array.from({ length: BINS }, () => 0);
  for (const score of scores) {
    const bin = Math.min(BINS - 1, Math.floor(score / (100 / BINS)));
    counts[bin] = (counts[bin] ?? 0) + 1;
  }
  const bars = counts.map((count, index) => ({
    name: t('class.range', { from: index * 10, to: index === BINS - 1 ? 100 : index * 10 + 9 }),
    short: number(index * 10),
    value: count,
    text: number(count),
  }));
  const inOrder = scores.toSorted((a, b) => a - b);
  const median = inOrder[Math.floor((inOrder.length - 1) / 2)] ?? 0;
  const low = scores.filter((score) => score < 10).length;
  return (
    <BarChart
      sentence={`${t('class.distribution', { median: Math.round(median) })} ${t('class.low', { n: low })}`}
      head={[t('class.score'), t('courses.students')]}
      bars={bars}
      why={
        <WhyTotal
          label={t('class.score')}
          sentences={[t('total.distribution'), t('over.known', { n: scores.length, all })]}
        >
          <Ask />
        </WhyTotal>
      }
    />
  );
}

function trendSentence(days: readonly ClassDay[]): string {
  const [now, before] = [days.at(-1)?.engagement_ma7?.p50, days.at(-29)?.engagement_ma7?.p50];
  if (now === undefined || before === undefined) return t('class.trend.short');
  const places = { now: Math.round(now), before: Math.round(before) };
  if (Math.abs(now - before) < 3) return t('class.trend.same', places);
  return now > before ? t('class.trend.up', places) : t('class.trend.down', places);
}

const RHYTHM_DAYS = 28;

function Rhythm({ days }: { readonly days: readonly ClassDay[] }) {
  const shares = weekdayShares(days.slice(-RHYTHM_DAYS));
  const bars = shares.map(
    (share, index): Bar => ({
      name: weekdayText(index, 'long'),
      short: weekdayText(index, 'short'),
      value: share ?? 0,
      text: share === null ? orDash(null) : percentText(share),
    }),
  );
  const counted = Math.min(days.length, RHYTHM_DAYS);
  return (
    <BarChart
      sentence={rhythmSentence(bars.filter((_, index) => shares[index] !== null))}
      head={[t('chart.weekday'), t('class.active')]}
      bars={bars}
      why={
        <WhyTotal label={t('class.active')} sentences={[t('total.rhythm'), t('over.days', { n: counted })]}>
          <Ask />
        </WhyTotal>
      }
    />
  );
}

/** @param bars for the weekdays that have data */
function rhythmSentence(bars: readonly Bar[]): string {
  const inOrder = bars.toSorted((a, b) => b.value - a.value);
  const [most, least] = [inOrder[0], inOrder.at(-1)];
  if (most === undefined || least === undefined || most.value === 0) return t('class.quiet');
  if (most.value === least.value) return t('class.rhythm.plain');
  return t('class.rhythm', { most: most.name, share: most.text, least: least.name });
}

/** The share of students active on each day of the week, Monday first; null if there was no such day. */
function weekdayShares(days: readonly ClassDay[]): (number | null)[] {
  const sums = Array.from({ length: 7 }, () => ({ active: 0, students: 0 }));
  for (const { feature_date, active, students } of days) {
    const sum = sums[(new Date(feature_date).getUTCDay() + 6) % 7];
    if (sum === undefined) continue;
    sum.active += active;
    sum.students += students;
  }
  return sums.map(({ active, students }) => (students === 0 ? null : active / students));
}
