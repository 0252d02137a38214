import { isLosslessNumber, parse, stringify } from 'lossless-json';
import { isBlank } from '#libs/domain/text.ts';

/**
 * The members of `activity_logs.metadata` that anything reads. Numbers keep their digits: an event id may exceed 2^53.
 */
const NEEDED_MEMBERS = ['state', 'due_at', 'event_id'] as const;
type Members = Partial<Record<(typeof NEEDED_MEMBERS)[number], unknown>>;

/** A quick look that spares most rows the parsing. A backslash may hide a name: JSON can write it with escapes. */
const mayHoldNeeded = (json: string): boolean =>
  json.includes('\\') || NEEDED_MEMBERS.some((member) => json.includes(`"${member}"`));

function readMembers(json: string | null): Members {
  if (json === null || !mayHoldNeeded(json)) return {};
  let value: unknown;
  try {
    // A source of type json keeps members of one name as they were written; the last one holds, as for `->>`.
    value = parse(json, null, { onDuplicateKey: ({ newValue }) => newValue });
  } catch {
    return {};
  }
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !isLosslessNumber(value) ? value : {};
}

/** The metadata cut down to what is needed, as JSON text; null where nothing of it is. */
export function neededMetadata(json: string | null): string | null {
  const members = readMembers(json);
  const kept: Members = {};
  for (const member of NEEDED_MEMBERS)
    if (members[member] !== undefined && members[member] !== null) kept[member] = members[member];
  return Object.keys(kept).length === 0 ? null : (stringify(kept) ?? null);
}

export interface ActivityMetadata {
  /** Completion state 0–3; undefined where it is anything else. */
  readonly state: CompletionState | undefined;
  /** As `metadata->>'event_id'`; null where not given or blank. */
  readonly eventId: string | null;
  /** As it stands in the source, for `readDueDate`; undefined where not given. */
  readonly dueAt: unknown;
}

/** Moodle's: not done, done, passed, failed. */
export type CompletionState = 0 | 1 | 2 | 3;

export function readMetadata(json: string | null): ActivityMetadata {
  const members = readMembers(json);
  return { state: readState(members.state), eventId: readEventId(members.event_id), dueAt: members.due_at };
}

/** A number equal to 0, 1, 2 or 3, or one such digit. */
function readState(value: unknown): CompletionState | undefined {
  const text = isLosslessNumber(value) ? value.toString().replace(/\.0+$/, '') : value;
  return typeof text === 'string' && /^[0-3]$/.test(text) ? (Number(text) as CompletionState) : undefined;
}
function readEventId(value: unknown): string | null {
  if (value === undefined || value === null) return null;
  const text = typeof value === 'string' ? value : jsonText(value);
  return isBlank(text) ? null : text;
}

/** JSON as Postgres prints jsonb: a space after each comma and colon. */
function jsonText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(jsonText).join(', ')}]`;
  if (typeof value === 'object' && value !== null && !isLosslessNumber(value)) {
    return `{${Object.entries(value)
      .map(([name, member]) => `${JSON.stringify(name)}: ${jsonText(member)}`)
      .join(', ')}}`;
  }
  return stringify(value) ?? '';
}
