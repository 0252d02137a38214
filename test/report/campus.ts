import { MS_PER_DAY } from '#libs/domain/local-date.ts';
import { keyHistory } from '../../services/sandbox/campus/history.ts';
import { type Campus, type Enrollment, planCampus } from '../../services/sandbox/campus/people.ts';
import { attention } from './alarms.ts';
import { judgeClass, type KeyImages } from './judge.ts';
import type { FlaggedDays } from './openings.ts';
import { FalseAlarmTally, StoryTally, type Truth } from './tally.ts';

/** What one student did in one course, what is known about it, and what the rules say. */
export interface Judged {
  readonly truth: Truth | null;
  readonly days: FlaggedDays;
}

/** Every campus's history ends here, so that the same seeds give the same figures. */
export const END = Date.UTC(2026, 4, 20, 14, 30);

/** The whole campus of a seed, judged by the functions that the roles derive with; its stories were fixed before any of these. */
export function judgeCampus(seed: string, end: number, students?: number): Judged[] {
  const campus = planCampus(seed, end, students);
  const today = Math.floor(end / MS_PER_DAY);
  return campus.courses.flatMap((course) => {
    const keys = campus.enrollments.filter((key) => key.courseId === course.id);
    const images = keys.map((key) => imagesOf(campus, key));
    return judgeClass(images, today).flatMap((days, index) => {
      const key = keys[index];
      return days === null || key === undefined ? [] : [{ truth: truthOf(key, days), days }];
    });
  });
}

/** Tallies of those who fade away, and of those who are always there. */
export const openTallies = () => ({ fading: new StoryTally(attention), steady: new FalseAlarmTally(attention) });

export function tally(judged: readonly Judged[], { fading, steady }: ReturnType<typeof openTallies>): void {
  const alwaysThere = judged.flatMap(({ truth, days }) => (truth?.story === 'steady' ? [days] : []));
  for (const days of alwaysThere) steady.add(days);
  for (const { truth, days } of judged) if (truth?.story === 'fading away') fading.add(days, truth, alwaysThere);
}

/** Null also if the course had already ended: a story that covers all of a student's courses cannot be seen there. */
function truthOf({ line }: Enrollment, { firstDay, flags }: FlaggedDays): Truth | null {
  if (line === null) return null;
  const { story, startsOn, endsOn } = line;
  const from = startsOn / MS_PER_DAY;
  return from < firstDay + flags.length ? { story, from, to: endsOn === null ? null : endsOn / MS_PER_DAY } : null;
}

/** The rows of one student in one course. */
export function imagesOf(campus: Campus, key: Enrollment): KeyImages {
  const { activities, grades } = keyHistory(campus, key);
  const ids = { student_id: key.studentId, course_id: key.courseId };
  return {
    enrollments: [{ ...ids, enrolled_at: key.enrolledAt }],
    activities: activities.map((row) => ({
      ...ids,
      activity_type: row.type,
      resource_id: row.resourceId,
      duration_seconds: row.durationSeconds === null ? null : String(row.durationSeconds),
      timestamp: row.at,
      metadata: row.metadata === null ? null : JSON.stringify(row.metadata),
    })),
    grades: grades.map((row) => ({
      ...ids,
      grade_item: row.item,
      grade_value: row.value === null ? null : String(row.value),
      grade_max: String(row.max),
      timestamp: row.at,
    })),
  };
}
