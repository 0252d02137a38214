import type { LocalDay } from '#libs/domain/local-date.ts';
import { type Alarm, type FlaggedDays, openingsOf } from './openings.ts';
import { medianOf } from './tally.ts';

export interface Outcome {
  readonly result: 'passed' | 'failed' | 'withdrew';
  /** The day on which a student withdrew; null: unknown, or the student stayed. */
  readonly leftOn: LocalDay | null;
}

export interface Student extends Outcome {
  readonly days: FlaggedDays;
}

export interface Course {
  readonly students: readonly Student[];
  readonly firstDay: LocalDay;
  readonly lastDay: LocalDay;
}

export interface Measures {
  /** Per 100 weeks of students who pass. */
  readonly openings: number;
  /** Shares with an open day between the 28th and half of the course: of those who fail, and of those who pass. */
  readonly failers: number;
  readonly passersByHalf: number;
  /** Shares of those who withdraw, from 28 to 7 days before; and of those who pass, in the same windows. */
  readonly withdrawers: number;
  readonly passersInWindows: number;
  /** Median time from the opening that caught them to the day they left; null: none was caught. */
  readonly leadDays: number | null;
  /** Shares of all openings: those who left within four weeks, and those who did not complete. */
  readonly leftWithin28: number;
  readonly didNotComplete: number;
}

/** Days before a withdrawal in which an alarm is early enough, and still close enough to be about it. */
const WINDOW = { first: 28, last: 7 };
/** Earlier withdrawals give nobody time to react. */
const FIRST_WITHDRAWAL = 14;
/** Failing students are looked at from this day on: before it, little is expected of anybody. */
const FIRST_LOOK = 28;

export function measure({ students, firstDay, lastDay }: Course, alarm: Alarm): Measures {
  const passers = students.filter(({ result }) => result === 'passed');
  const half = firstDay + Math.floor((lastDay - firstDay) / 2);
  const isOpenIn = ({ days }: Student, from: LocalDay, to: LocalDay): boolean =>
    firstOpen(alarm, days, from, to) !== null;
  const shareOf = (some: readonly Student[], from: LocalDay, to: LocalDay): number =>
    share(some.filter((student) => isOpenIn(student, from, to)).length, some.length);

  const weeks = passers.reduce((sum, { days }) => sum + days.flags.length / 7, 0);
  const openings = students.flatMap((student) => openingsOf(alarm, student.days).map((day) => ({ student, day })));
  const ofPassers = openings.filter(({ student }) => student.result === 'passed').length;

  const leavers = students.flatMap((student) => {
    const { leftOn } = student;
    return leftOn !== null && leftOn >= firstDay + FIRST_WITHDRAWAL && leftOn <= lastDay ? [{ student, leftOn }] : [];
  });
  const windowOf = (leftOn: LocalDay): [LocalDay, LocalDay] => [leftOn - WINDOW.first, leftOn - WINDOW.last];
  const caught = leavers.flatMap(({ student, leftOn }) => {
    const day = firstOpen(alarm, student.days, ...windowOf(leftOn));
    return day === null ? [] : [leftOn - runStart(alarm, student.days, day)];
  });
  const chance = leavers.reduce((sum, { leftOn }) => sum + shareOf(passers, ...windowOf(leftOn)), 0);
  return {
    openings: share(100 * ofPassers, weeks),
    failers: shareOf(
      students.filter(({ result }) => result === 'failed'),
      firstDay + FIRST_LOOK,
      half,
    ),
    passersByHalf: shareOf(passers, firstDay + FIRST_LOOK, half),
    withdrawers: share(caught.length, leavers.length),
    passersInWindows: share(chance, leavers.length),
    leadDays: medianOf(caught),
    leftWithin28: share(
      openings.filter(({ student: { leftOn }, day }) => leftOn !== null && leftOn > day && leftOn <= day + 28).length,
      openings.length,
    ),
    didNotComplete: share(openings.filter(({ student }) => student.result !== 'passed').length, openings.length),
  };
}

/** How well a score tells those who will not complete from the others, weekly from the 28th day on, among students still there. */
export interface Ranking {
  /** The chance that one who will not complete ranks above one who will; a half if the score says nothing. */
  readonly auc: number;
  /** The share who do not complete: among the top twentieth of each week, and among everybody. */
  readonly topShare: number;
  readonly baseShare: number;
}

export function rank(
  { students, firstDay, lastDay }: Course,
  scoreOf: (days: FlaggedDays, index: number) => number,
): Ranking {
  const aucs: number[] = [];
  let [top, topLost, all, allLost] = [0, 0, 0, 0];
  for (let day = firstDay + FIRST_LOOK; day <= lastDay - 7; day += 7) {
    const present = students.flatMap(({ days, leftOn, result }) => {
      const index = day - days.firstDay;
      const isThere = index >= 0 && index < days.flags.length && (leftOn === null || leftOn > day);
      return isThere ? [{ score: scoreOf(days, index), isLost: result !== 'passed' }] : [];
    });
    present.sort((a, b) => b.score - a.score);
    const foremost = present.slice(0, Math.ceil(present.length / 20));
    top += foremost.length;
    topLost += foremost.filter(({ isLost }) => isLost).length;
    all += present.length;
    allLost += present.filter(({ isLost }) => isLost).length;
    const auc = aucOf(present);
    if (auc !== null) aucs.push(auc);
  }
  const sum = aucs.reduce((total, auc) => total + auc, 0);
  return { auc: share(sum, aucs.length), topShare: share(topLost, top), baseShare: share(allLost, all) };
}

/** @param scored the highest score first. @returns null if all are of one kind */
function aucOf(scored: readonly { readonly score: number; readonly isLost: boolean }[]): number | null {
  const lost = scored.filter(({ isLost }) => isLost).length;
  const others = scored.length - lost;
  if (lost === 0 || others === 0) return null;
  let [before, pairs] = [0, 0];
  for (let first = 0, next = 0; first < scored.length; first = next) {
    let [tied, tiedLost] = [0, 0];
    for (; scored[next]?.score === scored[first]?.score && next < scored.length; next += 1) {
      tied += 1;
      if (scored[next]?.isLost === true) tiedLost += 1;
    }
    // All of those who complete and rank lower, and half of those who tie.
    const tiedOthers = tied - tiedLost;
    pairs += tiedLost * (others - before - tiedOthers + tiedOthers / 2);
    before += tiedOthers;
  }
  return pairs / (lost * others);
}

const share = (part: number, whole: number): number => (whole === 0 ? 0 : part / whole);

function firstOpen(alarm: Alarm, days: FlaggedDays, from: LocalDay, to: LocalDay): LocalDay | null {
  const end = Math.min(to - days.firstDay, days.flags.length - 1);
  for (let index = Math.max(from - days.firstDay, 0); index <= end; index += 1)
    if (alarm.isOpen(days, index)) return days.firstDay + index;
  return null;
}

function runStart(alarm: Alarm, days: FlaggedDays, day: LocalDay): LocalDay {
  let index = day - days.firstDay;
  while (index > 0 && alarm.isOpen(days, index - 1)) index -= 1;
  return days.firstDay + index;
}
