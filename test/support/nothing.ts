/** Stands in `toMatchObject` for an object without any property: `{}` there is matched by every object. */
export const NOTHING = {
  asymmetricMatch: (value: unknown): boolean =>
    typeof value === 'object' && value !== null && Object.keys(value).length === 0,
  toString: () => 'NOTHING',
  toAsymmetricMatcher: () => 'NOTHING',
};
