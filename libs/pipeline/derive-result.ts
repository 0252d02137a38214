/** What one derivation of keys came to. */
export interface DeriveResult {
  /** Keys derived; 0 when there was nothing to do, or others hold what there is. */
  readonly keys: number;
  /** Feature rows that changed. */
  readonly changed: number;
  /** Marks wait that another deriver is at work on. */
  readonly contended: boolean;
  /** Marks were left for another deriver: that of the courses, or of another family. */
  readonly followUps: number;
}
