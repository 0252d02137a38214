import { type Unit, WEEKDAY_NAMES } from './units.ts';

/** The Avro types that our schemas use: https://avro.apache.org/docs/1.12.0/specification/. */
export type AvroType =
  | string
  | { readonly type: string; readonly logicalType?: string; readonly items?: string | AvroRecord }
  | AvroRecord;

export interface AvroField {
  readonly name: string;
  readonly type: AvroType | readonly ['null', AvroType];
  readonly default?: null;
  readonly doc: string;
}

export interface AvroRecord {
  readonly type: 'record';
  readonly name: string;
  readonly namespace?: string;
  readonly doc: string;
  readonly fields: readonly AvroField[];
}

export const DATE: AvroType = { type: 'int', logicalType: 'date' };
export const INSTANT: AvroType = { type: 'long', logicalType: 'timestamp-millis' };

export const always = (name: string, type: AvroType, doc: string): AvroField => ({
  name,
  type,
  doc: `${doc} Never null.`,
});

/** A nullable field defaults to null, so that readers who know it can read messages from before it existed. */
export const perhaps = (name: string, type: AvroType, doc: string): AvroField => ({
  name,
  type: ['null', type],
  default: null,
  doc,
});

const record = (name: string, doc: string, fields: readonly AvroField[]): AvroRecord => ({
  type: 'record',
  name,
  doc,
  fields,
});

const COMPONENT = record('EngagementComponent', 'One part of the score.', [
  perhaps(
    'value',
    'long',
    'What was done in 7 days: a count, or whole seconds for time. Null where the course does not collect it.',
  ),
  always('target', 'double', 'What counts as full in 7 days, in the unit of value; as configured, up to 6 decimals.'),
  always('weight', 'double', 'Its weight in the score; as configured, up to 6 decimals.'),
  always('covered', 'boolean', 'The course collected this by as_of_date; else it is left out of the score.'),
]);

const COMPONENTS = record('EngagementComponents', 'The parts of the score, each the same record.', [
  always('logins', COMPONENT, 'Logins, a count.'),
  always('time', COMPONENT, 'Time spent, whole seconds.'),
  always('forum_posts', COMPONENT, 'Forum posts, a count.'),
  always('resources', COMPONENT, 'Distinct resources viewed, a count.'),
]);

const PATTERN = record(
  'ActivityPattern',
  'Shares of a whole, 0 to 1, 4 decimals each.',
  WEEKDAY_NAMES.map((name) => always(name, 'double', 'Share of the events on this day of the week.')),
);

const FLAG = record('Flag', 'Why a flag is open. Value, baseline and threshold are in one unit.', [
  always('since', DATE, 'First day, local to the institution, of the unbroken run of days on which the flag was open.'),
  always('value', 'double', 'What was seen: points of 100, percent, or days.'),
  perhaps(
    'baseline',
    'double',
    "What is usual for the student. Null where inactivity is not measured against the student's own gaps: under 3 active days.",
  ),
  always('threshold', 'double', 'From where on the flag is open.'),
  always('method', 'string', 'How it was found: modified_z, own_gap or tukey.'),
  always(
    'severity',
    'string',
    'high, medium or low: how far beyond the threshold, measured by the distance between baseline and threshold.',
  ),
  perhaps('item', 'string', 'The graded item that lies apart. Null where the value is no grade.'),
]);

const REASON = record('Reason', 'A reason, and its points.', [
  always('reason', 'string', 'absent, missing_work or low_marks: the field of that name says more.'),
  always('points', 'int', '1 to 3.'),
]);

const ATTENTION = record('Attention', 'Why a teacher should talk to this student.', [
  always(
    'since',
    DATE,
    'The day it opened, local to the institution; of one that opened again within 14 days, the first.',
  ),
  always('value', 'double', 'Points, 0 to 8.'),
  always('baseline', 'double', 'None: 0.'),
  always('threshold', 'double', 'Points from which it opens.'),
  always('method', 'string', 'points.'),
  always('severity', 'string', 'high from 5 points on, medium with 4, else low.'),
  always('reasons', { type: 'array', items: REASON }, 'Most points first.'),
]);

const REASON_FLAG = record('ReasonFlag', 'A student in comparison with the class in the same days.', [
  always('since', DATE, 'First day, local to the institution, of the unbroken run of days on which it was open.'),
  always('value', 'double', 'Active days, items that are missing, or points of percent.'),
  perhaps(
    'baseline',
    'double',
    'Active days that are usual in the class, items that are owed, or 0. Null where there is nothing to compare with.',
  ),
  always('threshold', 'double', 'From where on it is open.'),
  always('method', 'string', 'class_days, class_work or class_grades.'),
  always('severity', 'string', 'high with 3 points, medium with 2, low with 1.'),
  perhaps('source', 'string', 'Where work is seen: submission, grade or completion. Null but for missing_work.'),
  perhaps(
    'items',
    { type: 'array', items: 'string' },
    'What is missing, expected last first, five at most. Null but for missing_work.',
  ),
  perhaps('graded', 'int', 'Items with a grade of student and class. Null but for low_marks.'),
]);

/** How a value of each unit is sent. */
export const AVRO_OF_UNIT: Readonly<Record<Unit, AvroType>> = {
  count: 'int',
  days: 'int',
  seconds: 'long',
  'days a week, 2 decimals': 'double',
  'percent, 2 decimals': 'double',
  'points of 100, 2 decimals': 'double',
  'points a day, 6 decimals': 'double',
  'points per 30 days, 6 decimals': 'double',
  'days times bits, 6 decimals': 'double',
  'days, 6 decimals': 'double',
  '0 to 1, 6 decimals': 'double',
  'shares by weekday, 4 decimals': PATTERN,
  instant: INSTANT,
  'true or false': 'boolean',
  'course or site': 'string',
  'recorded or estimated': 'string',
  'the four components': COMPONENTS,
  flag: FLAG,
  'attention flag': ATTENTION,
  'reason flag': REASON_FLAG,
  'sorted names of flags': { type: 'array', items: 'string' },
};
