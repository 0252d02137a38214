import { expect, test } from 'vitest';
import { hashOf } from '#libs/features/hash.ts';
import { FEATURE_SET, type FeatureSet } from '#libs/features/index.ts';
import { PERFORMANCE } from '#libs/features/performance.ts';

const withPerformance = (performance: FeatureSet[string]): FeatureSet => ({
  ...FEATURE_SET,
  performance_features: performance,
});
const { passed, ...others } = PERFORMANCE;
const now = hashOf(FEATURE_SET);

test('the order of tables, columns and parts decides nothing', () => {
  expect(hashOf(Object.fromEntries(Object.entries(FEATURE_SET).reverse()))).toBe(now);
  const reversed = Object.fromEntries(Object.entries(passed).reverse()) as unknown as typeof passed;
  expect(hashOf(withPerformance({ passed: reversed, ...others }))).toBe(now);
});

test.each(['unit', 'window', 'formula', 'nullWhen', 'exactness', 'from'])('another %s is another hash', (part) => {
  expect(hashOf(withPerformance({ ...PERFORMANCE, passed: { ...passed, [part]: 'count' } }))).not.toBe(now);
});

test('so is a column less, one of another name, and other results', () => {
  expect(hashOf(withPerformance(others))).not.toBe(now);
  expect(hashOf(withPerformance({ ...others, has_passed: passed }))).not.toBe(now);
  expect(hashOf(FEATURE_SET, 'other results')).not.toBe(now);
});

test('what was derived while a completion under another word could lose a state is derived again, and by nobody who still loses it', () => {
  expect(now).not.toBe('623c64145732e4db29253c899bc232b837d2a98511c94458d538f30beb160d87');
});
