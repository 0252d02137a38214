import { COURSE_TOTAL, keyHistory } from '../../services/sandbox/campus/history.ts';
import { DAY } from '../../services/sandbox/campus/local-time.ts';
import type { Campus, Enrollment } from '../../services/sandbox/campus/people.ts';
import { newStudy, type Study, WEEKS } from './shape.ts';

/** What students do themselves; a completion may come from the teacher or the connector. */
const DOINGS = ['login', 'view', 'forum_post', 'submission', 'quiz_attempt', 'last_access'];

/** Studies in the courses whose connector reports activity in detail and that have run for ten weeks. */
export const campusStudies = (campus: Campus): Study[] =>
  campus.enrollments
    .filter(({ course }) => course.definition.activity === 'detailed' && course.endsAt === campus.end)
    .map((key) => studyOf(campus, key));

function studyOf(campus: Campus, key: Enrollment): Study {
  const { startsAt } = key.course;
  const dayOf = (at: number) => Math.floor((at - startsAt) / DAY);
  const study = newStudy(dayOf(key.enrolledAt ?? startsAt));
  const { activities, grades } = keyHistory(campus, key);
  for (const { type, at, metadata } of activities) {
    if (!DOINGS.includes(type)) continue;
    study.events.set(dayOf(at), (study.events.get(dayOf(at)) ?? 0) + 1);
    if (type !== 'submission' || dayOf(at) >= 7 * WEEKS) continue;
    study.lateness.push(dayOf(at) - dayOf(Date.parse(`${String(metadata?.['due_at'])}Z`)));
  }
  for (const { item, value, max } of grades)
    if (item !== COURSE_TOTAL && value !== null && value > 0) study.scores.push((100 * value) / max);
  return study;
}
