/** For `toMatchObject`: matches only an object without properties, whereas `{}` matches every object. */
export const NOTHING = {
  asymmetricMatch: (value: unknown): boolean =>
    typeof value === 'object' && value !== null && Object.keys(value).length === 0,
  toString: () => 'NOTHING',
  toAsymmetricMatcher: () => 'NOTHING',
};
