import {
  type AttentionFlags,
  attentionDays,
  attentionFlags,
  unknownAttention,
} from '#libs/derive/attention/attention.ts';
import { type ClassSpan, classNumbers } from '#libs/derive/attention/class-numbers.ts';
import type { AttentionKey } from '#libs/derive/attention/key.ts';
import type { ClassMember, HandedIn } from '#libs/derive/attention/member.ts';
import type { ClassNumbers } from '#libs/derive/attention/numbers.ts';
import type { ClassSettings } from '#libs/derive/settings.ts';
import type { AttentionFlagName } from '#libs/domain/flags.ts';
import type { LocalDay } from '#libs/domain/local-date.ts';
import type { WorkSource } from '#libs/domain/work-source.ts';
import { times } from '../anomaly-build.ts';
import { deriving } from '../build.ts';

/** Days in these tests are plain numbers; the course's first fact is on day 0, and the as-of day is the last one. */
export const LAST = 100;

/** From one day to another, both included. */
export const every = (from: LocalDay, to: LocalDay, step = 1): LocalDay[] =>
  Array.from({ length: Math.floor((to - from) / step) + 1 }, (_, index) => from + index * step);

export const member = (special: Partial<ClassMember> = {}): ClassMember => ({
  activeDays: [],
  handedIn: [],
  grades: [],
  ...special,
});

/** This many keys, active every day, each with what the test gives it. */
export const daily = (count: number, special: (index: number) => Partial<ClassMember> = () => ({})): ClassMember[] =>
  Array.from({ length: count }, (_, index) => member({ activeDays: every(0, LAST), ...special(index) }));

/** An item such as `essay`, handed in on a day. */
export const handsIn = (item: string, day: LocalDay, source: WorkSource = 'submission'): HandedIn => ({
  source,
  item,
  day,
});

/** @throws Error if the class has no days */
export function classOf(
  members: readonly ClassMember[],
  span: Partial<ClassSpan> = {},
  settings: Partial<ClassSettings> = {},
): ClassNumbers {
  const whole = { firstFact: 0, asOf: LAST, submissionFrom: null, notDoneFrom: null, ...span };
  const numbers = classNumbers(members, whole, deriving(settings));
  if (numbers === null) throw new Error('the class has no day');
  return numbers;
}

export const attendingOn = ({ firstDay, attending }: ClassNumbers, day: LocalDay): number | undefined =>
  attending[day - firstDay];

export const usualOn = ({ firstDay, usual }: ClassNumbers, day: LocalDay): number | null | undefined =>
  usual[day - firstDay];

/** Class numbers with 8 active days usual on every day, except for what the test gives. */
export const numbersOf = (special: Partial<ClassNumbers> = {}): ClassNumbers => ({
  firstDay: 1,
  attending: times(LAST, 10),
  usual: times(LAST, 8),
  sources: [],
  expected: [],
  grades: [],
  ...special,
});

/** A class in which this many are usual on every day. */
export const usually = (usual: number | null): ClassNumbers => numbersOf({ usual: times(LAST, usual) });

/** A key active on every day, except for what the test gives. */
export const keyOf = (special: Partial<AttentionKey> = {}): AttentionKey => ({
  firstDay: 1,
  asOf: LAST,
  activeDays: every(1, LAST),
  handedIn: new Map(),
  grades: [],
  numbers: numbersOf(),
  ...special,
});

/** The json columns of one day. */
export const flagsOn = (key: AttentionKey, day: LocalDay): AttentionFlags =>
  attentionFlags(key, attentionDays(key, deriving()), day - key.firstDay, deriving());

/** What `unsupported` names on one day. */
export const unknownOn = (key: AttentionKey, day: LocalDay): AttentionFlagName[] =>
  unknownAttention(key.numbers, day, attentionDays(key, deriving()), day - key.firstDay);
