import type { StudentCourse } from '#libs/domain/family.ts';
import { joinMarked, type MarkedKeys } from '#libs/store/keys/marks.ts';

/** What one derivation of keys did. */
export interface DeriveResult {
  /** The keys whose marks were taken; none if there was nothing to do, or others hold the keys. */
  readonly claimed: readonly StudentCourse[];
  /** Feature rows that changed. */
  readonly changed: number;
  /** Keys whose stored features or series changed because of news; flags do not count, since they follow from these. */
  readonly renewed: number;
  /** There are marks whose keys another deriver holds. */
  readonly contended: boolean;
  /** Keys marked for the derivers of other families. */
  readonly marked: MarkedKeys;
  /** Whether courses were marked. */
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
