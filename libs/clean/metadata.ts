import { isLosslessNumber, LosslessNumber, parse, stringify } from 'lossless-json';
import { isBlank } from './text.ts';

/**
 * The members of `activity_logs.metadata` that anything reads. Numbers keep their digits: an event id may exceed 2^53.
 */
const NEEDED_MEMBERS = ['state', 'due_at', 'event_id'] as const;
type Members = Partial<Record<(typeof NEEDED_MEMBERS)[number], unknown>>;

function readMembers(json: string | null): Members {
  if (json === null || !NEEDED_MEMBERS.some((member) => json.includes(`"${member}"`))) return {};
  let value: unknown;
  try {
    value = parse(json);
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
}

/** Moodle's: not done, done, passed, failed. */
export type CompletionState = 0 | 1 | 2 | 3;

const NONE: ActivityMetadata = { state: undefined, eventId: null };

export function readMetadata(json: string | null): ActivityMetadata {
  if (json === null) return NONE;
  const members = readMembers(json);
  return { state: readState(members.state), eventId: readEventId(members.event_id) };
}

function readState(value: unknown): CompletionState | undefined {
  const state = value instanceof LosslessNumber ? Number(value.toString()) : isDigit(value) ? Number(value) : undefined;
  return state === 0 || state === 1 || state === 2 || state === 3 ? state : undefined;
}

const isDigit = (value: unknown): value is string => typeof value === 'string' && /^[0-3]$/.test(value);

function readEventId(value: unknown): string | null {
  if (value === undefined || value === null) return null;
  const text = typeof value === 'string' ? value : (stringify(value) ?? '');
  return isBlank(text) ? null : text;
}
