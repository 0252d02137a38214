import type { RowsOfKey } from '#libs/dataset/key-rows.ts';
import { type AttentionDays, attentionDays, isOpen } from '#libs/derive/attention/attention.ts';
import type { AttentionKey } from '#libs/derive/attention/key.ts';
import { LOW, PER_POINT, VERY_LOW } from '#libs/derive/attention/low-marks.ts';
import { owedOn } from '#libs/derive/attention/missing-work.ts';
import type { AlarmSettings } from '#libs/derive/settings.ts';
import { ATTENTION_REASONS, type AttentionFlagName } from '#libs/domain/flags.ts';
import type { LocalDay } from '#libs/domain/local-date.ts';
import { type Judged, judgedOf } from './attention-parts.ts';
import type { Grounds } from './grounds.ts';
import type { WouldChange } from './parts.ts';

/** Each change is judged as if made on the day that the features speak for, by the function that derives attention. */
export function attentionChanges(grounds: Grounds, name: AttentionFlagName): WouldChange[] {
  const judged = judgedOf(grounds);
  if (judged === null) return [];
  const reasons = name === 'attention' ? ATTENTION_REASONS : [name];
  const changes = reasons.flatMap((reason) => CHANGES[reason](judged, grounds.settings, grounds.rows));
  return name === 'attention'
    ? [...changes, ...everything(judged, grounds.settings), ...morePoints(judged, grounds.settings)]
    : changes;
}

const pointsOn = (days: AttentionDays, index: number): number => days.points[index] ?? 0;

/** The effect of a change on the points; empty if it has none. */
function tried(judged: Judged, said: Said, key: AttentionKey, settings: AlarmSettings): WouldChange[] {
  const { days, index } = judged;
  const then = attentionDays(key, settings);
  const [before, after] = [pointsOn(days, index), pointsOn(then, index)];
  if (before === after) return [];
  const turn = turnOf(days, then, index);
  const effect = `${before} → ${after} points${TURNS[turn]}`;
  return [{ ...said, effect, effect_code: turn, values: { ...said.values, from: before, to: after } }];
}

/** A change without its effect. */
type Said = Pick<WouldChange, 'change' | 'change_code' | 'values'>;

const TURNS = { points: '', points_close: ': attention closes', points_stay_open: ': attention stays open' } as const;

function turnOf(now: AttentionDays, then: AttentionDays, index: number): keyof typeof TURNS {
  if (!isOpen(now, 'attention', index)) return 'points';
  return isOpen(then, 'attention', index) ? 'points_stay_open' : 'points_close';
}

const OWN_DAYS = 21;

/** The key as if the last `more` inactive days up to as-of had been active. */
function withActive({ activeDays, asOf, ...key }: AttentionKey, more: number): AttentionKey {
  const known = new Set(activeDays);
  const added: LocalDay[] = [];
  for (let day = asOf; added.length < more && day > asOf - OWN_DAYS; day -= 1) if (!known.has(day)) added.push(day);
  return { ...key, asOf, activeDays: [...activeDays, ...added].sort((a, b) => a - b) };
}

/** For each lower number of points, the fewest additional active days that lead to it. */
function moreActive(judged: Judged, settings: AlarmSettings): WouldChange[] {
  let points = judged.days.absent.points[judged.index] ?? 0;
  const changes: WouldChange[] = [];
  for (let more = 1; more <= OWN_DAYS && points > 0; more += 1) {
    const key = withActive(judged.key, more);
    const after = attentionDays(key, settings).absent.points[judged.index] ?? 0;
    if (after === points) continue;
    points = after;
    const days = more === 1 ? 'one more active day' : `${more} more active days`;
    const change = `${days} of the last ${OWN_DAYS}`;
    const said: Said = { change, change_code: 'more_active_days', values: { n: more, of: OWN_DAYS } };
    changes.push(...tried(judged, said, key, settings));
  }
  return changes;
}

const MOST_ITEMS = 5;
type Owed = ReturnType<typeof owedOn>;

const missingOf = ({ key }: Judged): Owed => owedOn(key, key.asOf).filter(({ handedIn }) => handedIn === null);

const withHandedIn = (key: AttentionKey, items: Owed): AttentionKey => ({
  ...key,
  handedIn: new Map([...key.handedIn, ...items.map(({ item }) => [`${item.source} ${item.item}`, key.asOf] as const)]),
});

/** Whether handing in would be an event, or turn a resource listed as not done to done: either makes the day an active one. */
const isActivity = ({ item: { source, item } }: Owed[number], { engagement }: RowsOfKey): boolean =>
  source === 'submission' ||
  (source === 'completion' && engagement.activities.some((row) => row.kind === 'completion' && row.resource === item));

/** Each missing item by itself, and all of them together. */
function handIn(judged: Judged, settings: AlarmSettings, rows: RowsOfKey): WouldChange[] {
  const missing = missingOf(judged);
  const { asOf, activeDays } = judged.key;
  const then = (items: Owed): AttentionKey => {
    const isActive = activeDays.at(-1) === asOf || !items.some((one) => isActivity(one, rows));
    return withHandedIn(isActive ? judged.key : { ...judged.key, activeDays: [...activeDays, asOf] }, items);
  };
  const each = missing
    .slice(0, MOST_ITEMS)
    .flatMap((one) => tried(judged, handedIn(one.item.item), then([one]), settings));
  const change = `all of the ${missing.length} missing items done`;
  const all: Said = { change, change_code: 'all_handed_in', values: { n: missing.length } };
  return missing.length > 1 ? [...each, ...tried(judged, all, then(missing), settings)] : each;
}

const handedIn = (item: string): Said => ({
  change: `"${item}" done`,
  change_code: 'handed_in',
  values: { item },
});

/** Both at once, for a student with both reasons. */
function everything(judged: Judged, settings: AlarmSettings): WouldChange[] {
  const { days, index, key } = judged;
  const isBoth = isOpen(days, 'absent', index) && isOpen(days, 'missing_work', index);
  if (!isBoth) return [];
  const then = withHandedIn(withActive(key, OWN_DAYS), missingOf(judged));
  return tried(judged, ACTIVE_AND_HANDED_IN, then, settings);
}

const ACTIVE_AND_HANDED_IN: Said = {
  change: 'active again, and all that is missing done',
  change_code: 'active_and_handed_in',
  values: {},
};

/** How much higher the grades would have to be on average. */
function betterMarks({ days, index }: Judged): WouldChange[] {
  const points = days.low_marks.points[index] ?? 0;
  if (points === 0) return [];
  const { difference, graded } = days.low_marks.on(index);
  const mean = difference / (PER_POINT * graded);
  const levels = [VERY_LOW, LOW].filter((level) => mean <= level);
  return levels.map((level) => {
    const [better, to] = [(level - mean).toFixed(2), level === LOW ? 0 : 1];
    return {
      change: `grades more than ${better} points higher on average`,
      effect: `low_marks ${points} → ${to} points`,
      change_code: 'better_marks',
      effect_code: 'marks_points',
      values: { better, from: points, to },
    };
  });
}

function morePoints({ days, index }: Judged, { openPoints }: AlarmSettings): WouldChange[] {
  const wanting = openPoints - pointsOn(days, index);
  if (isOpen(days, 'attention', index) || wanting <= 0) return [];
  const change = `${wanting} more point${wanting === 1 ? '' : 's'}`;
  const codes = { change_code: 'more_points', effect_code: 'attention_opens' } as const;
  return [{ change, effect: 'attention opens', ...codes, values: { n: wanting } }];
}

const CHANGES = { absent: moreActive, missing_work: handIn, low_marks: betterMarks };
