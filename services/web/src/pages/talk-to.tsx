import type { OpenAttention } from '#libs/serve/attention.ts';
import type { ClassStudent } from '#libs/serve/class-students.ts';
import type { ListedCourse } from '#libs/serve/courses.ts';
import type { NameOf } from '../api/names.ts';
import { dayText, t } from '../i18n/index.ts';
import { ReasonList } from '../parts/reason-list.tsx';
import { type Reason, reasonSentences } from '../parts/reasons.ts';
import { Why } from '../parts/why.tsx';
import { WhyTotal } from '../parts/why-button.tsx';
import { studentHref } from '../route.ts';

interface TalkToProps {
  readonly course: number;
  /** From the list of courses; undefined until that is known. */
  readonly listed: ListedCourse | undefined;
  readonly people: readonly OpenAttention[];
  readonly students: readonly ClassStudent[];
  readonly nameOf: NameOf;
}

/** How many students are named in the first sentences. */
const NAMED = 3;
const NEW_DAYS = 7;
const DAY_MS = 86_400_000;

/** Whom to talk to, and why: some sentences, then the list. */
export function TalkTo({ course, listed, people, students, nameOf }: TalkToProps) {
  const activities = new Map(
    students.map((student) => [student.student_id, { ...student, days: student.engagement_ma7.length }]),
  );
  const reasonsOf = (person: OpenAttention): Reason[] =>
    reasonSentences(person, activities.get(person.student_id) ?? { ...person, active_days_30d: null, days: 0 });
  const marked = students.filter(({ attention }) => attention !== null);
  const gone = marked.length > people.length && (
    <p class="muted">
      <WhyTotal label={t('courses.attention')} sentences={[t('total.gone')]}>
        {t('talk.gone', { n: marked.length - people.length })}
      </WhyTotal>
    </p>
  );
  if (people.length === 0)
    return (
      <>
        <p class="lead">{students.length === 0 ? t('course.empty') : listed !== undefined && nobodyText(listed)}</p>
        {gone}
      </>
    );
  const fresh = people.filter(isNew);
  // Students new on the list this week come first; then those with the most points, in the order of the list.
  const named = [...fresh, ...people.filter((person) => !isNew(person))].slice(0, NAMED);
  return (
    <>
      <p class="lead">
        <WhyTotal
          label={t('courses.attention')}
          sentences={[t('total.attention'), t('over.students', { n: students.length })]}
        >
          {t('talk.lead', { n: people.length })}
        </WhyTotal>{' '}
        {fresh.length > 0 && (
          <WhyTotal label={t('courses.attention')} sentences={[t('total.new')]}>
            {t('talk.new', { n: fresh.length })}
          </WhyTotal>
        )}{' '}
        {named.map((person) => (
          <span key={person.student_id}>
            <a href={studentHref(course, person.student_id)}>
              <bdi>{nameOf(person.student_id)}</bdi>
            </a>
            {t('colon')} {reasonsOf(person)[0]?.sentence}.{' '}
          </span>
        ))}
      </p>
      {gone}
      <h2 id="talk">{t('talk.title')}</h2>
      <ol class="people" aria-labelledby="talk">
        {people.map((person) => (
          <li key={person.student_id}>
            <div>
              <a class="who" href={studentHref(course, person.student_id)}>
                <bdi>{nameOf(person.student_id)}</bdi>
              </a>
              <div class="small">
                <Why feature="attention" course={course} student={person.student_id} label={t('talk.attention')}>
                  <span class={person.severity === 'high' ? 'alarm' : ''}>{t(`severity.${person.severity}`)}</span>
                </Why>{' '}
                <span class="muted">{t('talk.since', { day: dayText(person.since) })}</span>
              </div>
            </div>
            <ReasonList reasons={reasonsOf(person)} course={course} student={person.student_id} />
          </li>
        ))}
      </ol>
    </>
  );
}

const isNew = ({ since, as_of }: OpenAttention): boolean => Date.parse(as_of) - Date.parse(since) < NEW_DAYS * DAY_MS;

/** Why nobody is listed. */
function nobodyText({ attention, collected }: ListedCourse): string {
  if (attention !== null) return t('talk.nobody');
  return Object.values(collected).every((day) => day === null) ? t('talk.uncollected') : t('talk.small');
}
