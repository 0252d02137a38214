import type { LocalMillis, Uuid } from '#libs/domain/change.ts';
import { CAMPUS_COURSES, CAMPUS_PREFIX, type CourseDefinition, courseExternalId } from './catalogue.ts';
import { DAY, HOUR, localWeekday, MINUTE, startOfDay } from './local-time.ts';
import { type Random, randomFrom } from './random.ts';
import type { CourseRow, EnrollmentRow, StudentRow } from './rows.ts';
import { lineIn, STORIES, someStory } from './stories/index.ts';
import type { StoryLine, StoryName, StudentLine } from './stories/story.ts';
import { uuidFrom } from './uuid.ts';

export const STUDENT_COUNT = 300;
/** Half of all possible names: with more, finding a free one takes long. */
const MOST_STUDENTS = 800;

/** Given and family names are combined at random; any likeness to a real person is a coincidence. */
const GIVEN = (
  'Ada Amir Anouk Bao Bela Carla Cosmo Dalia Dario Edda Emil Fatou Felix Gala Goran Hana Hugo Ines Ivo Jana Juno ' +
  'Kemal Kira Lars Leila Malik Mina Nora Nilo Oona Otto Paz Pella Quim Rana Rufus Selma Sami Tara Timo Uma Vito Wanda Zeno'
).split(' ');
const FAMILY = (
  'Abendroth Ashgrove Bellweather Birkental Caldermoor Corvello Dunmarsh Elderfen Fallowby Fernhollow Galdermont ' +
  'Greywater Halvorsund Hartwhistle Ivarsgard Juniperus Kestrelmann Kivilampi Lindqvist Lorcastle Marrowfield ' +
  'Mistelbach Nightingrove Norrstrand Oakenshaw Orlandez Pellegrove Quillfeather Ravensby Rosenquill Silberbach ' +
  'Starkwetter Thistlewood Tamarindo Umberfell Valdebruma Vinterhed Wexcombe Yarrowdale Zephyrini'
).split(' ');

export interface Student extends StudentRow {
  /** The student's story; null for nearly half of them. The campus's lines say in which courses and from when. */
  readonly story: StoryName | null;
  /** How much the student wants to be there: roughly normally distributed, mean 0. */
  readonly drive: number;
  /** Expected marks as a share of the full marks. */
  readonly ability: number;
}

export interface Course extends CourseRow {
  readonly definition: CourseDefinition;
  readonly startsAt: LocalMillis;
  /** Nothing happens in the course after this; for a course that still runs, the end of the history. */
  readonly endsAt: LocalMillis;
}

export interface Enrollment extends EnrollmentRow {
  readonly student: Student;
  readonly course: Course;
  /** The line of the student's story that applies to this course. */
  readonly line: StoryLine | null;
}

/** Who studies what: everything about the sample campus except what its students did. */
export interface Campus {
  readonly seed: string;
  /** Namespace of all its ids. */
  readonly namespace: Uuid;
  readonly end: LocalMillis;
  readonly students: readonly Student[];
  readonly courses: readonly Course[];
  readonly enrollments: readonly Enrollment[];
  /** The ground truth: every story that is told. */
  readonly stories: readonly StudentLine[];
}

const CAMPUS_NAMESPACE = '7d0c2f0e-52c4-4a3a-9d8c-6f6f0f3b9a11';

/**
 * Plans the campus. Pure: the same seed and end give the same campus.
 * @param end the last moment of its history, on the source's own clock
 * @param size how many students, 1 to 800
 */
export function planCampus(seed: string, end: LocalMillis, size = STUDENT_COUNT): Campus {
  if (!Number.isInteger(size) || size < 1 || size > MOST_STUDENTS)
    throw new RangeError(`a campus has 1 to ${MOST_STUDENTS} students, not ${size}`);
  const namespace = uuidFrom(CAMPUS_NAMESPACE, seed);
  const courses = CAMPUS_COURSES.map((definition) => planCourse(namespace, definition, end));
  const students = planStudents(seed, namespace, end, size);
  const plans = students.map((student) => {
    const own = planEnrollments(seed, namespace, student, courses);
    return { student, own, lines: planStory(seed, student, own, end) };
  });
  return {
    seed,
    namespace,
    end,
    students,
    courses,
    enrollments: plans.flatMap(({ own, lines }) => own.map((key) => ({ ...key, line: lineIn(lines, key.courseId) }))),
    stories: plans.flatMap(({ student, lines }) => lines.map((line) => ({ ...line, studentId: student.id }))),
  };
}

type PlainEnrollment = Omit<Enrollment, 'line'>;

function planStory(
  seed: string,
  student: Student,
  own: readonly PlainEnrollment[],
  end: LocalMillis,
): readonly StoryLine[] {
  if (student.story === null) return [];
  const courses = own
    .filter(({ course }) => course.definition.term === 'this')
    .map(({ course, enrolledAt }) => ({ ...course, from: fromIn(course, enrolledAt) }));
  return STORIES[student.story].plan({ random: randomFrom(`${seed}/story/${student.externalId}`), end, courses });
}

/** From when on a student can do something in a course. */
export const fromIn = (course: Pick<Course, 'startsAt'>, enrolledAt: LocalMillis | null): LocalMillis =>
  Math.max(course.startsAt, enrolledAt ?? course.startsAt);

function planCourse(namespace: Uuid, definition: CourseDefinition, end: LocalMillis): Course {
  const externalId = courseExternalId(definition);
  // Courses start on a Monday, so that weeks of the course are weeks of the calendar.
  const about = startOfDay(end) - definition.startsDaysAgo * DAY;
  const startsAt = about - localWeekday(about) * DAY;
  return {
    id: uuidFrom(namespace, externalId),
    externalId,
    shortname: definition.code,
    fullname: definition.name,
    createdAt: startsAt,
    definition,
    startsAt,
    endsAt: definition.endedDaysAgo === null ? end : startOfDay(end) - definition.endedDaysAgo * DAY,
  };
}

function planStudents(seed: string, namespace: Uuid, end: LocalMillis, size: number): Student[] {
  const random = randomFrom(`${seed}/students`);
  const taken = new Set<string>();
  return Array.from({ length: size }, (_, index) => {
    const number = index + 1;
    const externalId = `${CAMPUS_PREFIX}student-${String(number).padStart(4, '0')}`;
    const { firstname, lastname } = newName(random, taken);
    const username = `${firstname}.${lastname}`.toLowerCase();
    const story = someStory(random);
    const drive = random.normal();
    return {
      id: uuidFrom(namespace, externalId),
      externalId,
      // RFC 2606 reserves .example, so no such address can exist.
      email: `${username}@students.campus.example`,
      firstname,
      lastname,
      username,
      createdAt: end - 190 * DAY + random.int(0, 5 * DAY),
      updatedAt: end - random.int(0, 6 * HOUR),
      story,
      drive,
      ability: abilityOf(story, drive, random),
    };
  });
}

function newName(random: Random, taken: Set<string>): { firstname: string; lastname: string } {
  for (;;) {
    const firstname = random.pick(GIVEN);
    const lastname = random.pick(FAMILY);
    const name = `${firstname} ${lastname}`;
    if (taken.has(name)) continue;
    taken.add(name);
    return { firstname, lastname };
  }
}

/** Students who come more often tend to get better marks. */
function abilityOf(story: StoryName | null, drive: number, random: Random): number {
  const spread = 0.12 * (0.65 * drive + 0.76 * random.normal());
  return Math.min(0.97, Math.max(0.2, 0.73 + (story === null ? 0 : STORIES[story].ability) + spread));
}

/** The share of students who were here a term ago. */
const HERE_BEFORE = 0.35;

function planEnrollments(
  seed: string,
  namespace: Uuid,
  student: Student,
  courses: readonly Course[],
): PlainEnrollment[] {
  const random = randomFrom(`${seed}/enrolments/${student.externalId}`);
  const wanted = random.int(2, 4);
  const offered = courses.filter((course) => course.definition.term === 'this');
  const chosen = new Set<Course>();
  while (chosen.size < wanted) chosen.add(random.pick(offered));
  const enrol = (course: Course, chance: Random): PlainEnrollment => {
    const lateBy = chance.chance(0.08) ? chance.int(1, 18) * DAY : -chance.int(1, 20) * DAY;
    const at = course.startsAt + lateBy + chance.int(8 * HOUR, 18 * HOUR);
    return {
      id: uuidFrom(namespace, `${student.externalId}/${course.externalId}/enrolment`),
      studentId: student.id,
      courseId: course.id,
      // Some LMSs do not record when somebody was enrolled.
      enrolledAt: chance.chance(0.04) ? null : Math.min(Math.floor(at / MINUTE) * MINUTE, course.endsAt),
      student,
      course,
    };
  };
  const before = randomFrom(`${seed}/before/${student.externalId}`);
  const taken = before.chance(HERE_BEFORE) ? courses.filter((course) => course.definition.term === 'before') : [];
  return [...[...chosen].map((course) => enrol(course, random)), ...taken.map((course) => enrol(course, before))];
}
