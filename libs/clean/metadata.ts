import { createHash } from 'node:crypto';
import { parseWhole } from '#libs/domain/rational.ts';
import { isBlank } from '#libs/domain/text.ts';
import { type JsonMember, membersOf } from './json-members.ts';

/** The members of `activity_logs.metadata` that anything reads. */
const NEEDED_MEMBERS = ['state', 'due_at', 'event_id'] as const;
type NeededMember = (typeof NEEDED_MEMBERS)[number];
type Members = Partial<Record<NeededMember, JsonMember>>;

/** A longer member is not kept, in UTF-16 units. No state and no due date has such a length; of an id its digest tells as much. */
const LONGEST_MEMBER = 8_192;

const readMembers = (json: string | null): Members => (json === null ? {} : membersOf(json, NEEDED_MEMBERS));

/** The metadata cut down to what is needed, as JSON text; null where nothing of it is. Read, it says what all of it does. */
export function neededMetadata(json: string | null): string | null {
  const members = readMembers(json);
  const kept = NEEDED_MEMBERS.flatMap((name) => {
    const member = members[name];
    return member === undefined ? [] : [`"${name}":${keptJson(name, member)}`];
  });
  return kept.length === 0 ? null : `{${kept.join(',')}}`;
}

function keptJson(name: NeededMember, { type, text }: JsonMember): string {
  if (text.length > LONGEST_MEMBER) return name === 'event_id' ? JSON.stringify(boundedId(text)) : '{}';
  return type === 'string' ? JSON.stringify(text) : text;
}

export interface ActivityMetadata {
  /** Completion state 0–3; undefined where it is anything else. */
  readonly state: CompletionState | undefined;
  /** As `metadata->>'event_id'`, a very long one as its digest; null where not given or blank. */
  readonly eventId: string | null;
  /** As it stands in the source, for `readDueDate`; undefined where not given. */
  readonly dueAt: JsonMember | undefined;
}

/** Moodle's: not done, done, passed, failed. */
export type CompletionState = 0 | 1 | 2 | 3;

export function readMetadata(json: string | null): ActivityMetadata {
  const { state, due_at: dueAt, event_id: eventId } = readMembers(json);
  return {
    state: readState(state),
    eventId: eventId === undefined ? null : boundedId(eventId.text),
    dueAt: dueAt === undefined || dueAt.text.length <= LONGEST_MEMBER ? dueAt : { type: 'other', text: '{}' },
  };
}

/** A number equal to 0, 1, 2 or 3, or one such digit. */
function readState(member: JsonMember | undefined): CompletionState | undefined {
  if (member === undefined || member.text.length > LONGEST_MEMBER) return undefined;
  if (member.type === 'string' && !/^[0-3]$/.test(member.text)) return undefined;
  const state = parseWhole(member.text);
  return state !== undefined && state >= 0n && state <= 3n ? (Number(state) as CompletionState) : undefined;
}

function boundedId(text: string): string | null {
  if (isBlank(text)) return null;
  return text.length <= LONGEST_MEMBER ? text : `sha256:${createHash('sha256').update(text).digest('hex')}`;
}
