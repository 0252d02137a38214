import { createHash } from 'node:crypto';
import { parseWhole } from '#libs/domain/rational.ts';
import { isBlank } from '#libs/domain/text.ts';
import { type JsonMember, membersOf } from './json-members.ts';

/** The members of `activity_logs.metadata` that anything reads. */
const NEEDED_MEMBERS = ['state', 'due_at', 'event_id'] as const;
type NeededMember = (typeof NEEDED_MEMBERS)[number];
type Members = Partial<Record<NeededMember, JsonMember>>;

/** Longer members are not kept, in UTF-16 units. No state or due date is that long, and an id's digest serves as well as the id. */
const LONGEST_MEMBER = 8_192;

const readMembers = (json: string | null): Members => (json === null ? {} : membersOf(json, NEEDED_MEMBERS));

/** The metadata reduced to what is needed, as JSON text; null if nothing is. It reads the same as the whole. */
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
  /** Completion state 0–3; undefined for anything else. */
  readonly state: CompletionState | undefined;
  /** `metadata->>'event_id'`, a very long one as its digest; null if not given or blank. */
  readonly eventId: string | null;
  /** As in the source, for `readDueDate`; undefined if not given. */
  readonly dueAt: JsonMember | undefined;
}

/** Moodle's states: not done, done, passed, failed. */
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
