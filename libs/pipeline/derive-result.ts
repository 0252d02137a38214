import type { StudentCourse } from '#libs/domain/family.ts';
import { joinMarked, type MarkedKeys } from '#libs/store/keys/marks.ts';

/** What one derivation of keys came to. */
export interface DeriveResult {
  /** The keys whose marks were taken; none when there was nothing to do, or others hold what there is. */
  readonly claimed: readonly StudentCourse[];
  /** Feature rows that changed. */
  readonly changed: number;
  /** Keys of which news has changed what is stored, days among it; of flags none, which follow from that. */
  readonly renewed: number;
  /** Marks wait that another deriver is at work on. */
  readonly contended: boolean;
  /** Keys that were marked for the derivers of other families. */
  readonly marked: MarkedKeys;
  /** Courses were marked. */
  readonly courses: boolean;
}

export const NOTHING_DERIVED: DeriveResult = {
  claimed: [],
  changed: 0,
  renewed: 0,
  contended: false,
  marked: new Map(),
  courses: false,
};

export function sumOf(one: DeriveResult, other: DeriveResult): DeriveResult {
  return {
    claimed: [...one.claimed, ...other.claimed],
    changed: one.changed + other.changed,
    renewed: one.renewed + other.renewed,
    contended: one.contended || other.contended,
    marked: joinMarked(one.marked, other.marked),
    courses: one.courses || other.courses,
  };
}
