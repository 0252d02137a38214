import { afterEach, beforeEach, describe, expect } from 'vitest';
import { changeTests, identityTests, removalTests, snapshotTests } from './conformance-changes.ts';
import { pacingTests, restartTests, transactionTests } from './conformance-restarts.ts';
import { valueTests } from './conformance-values.ts';
import { type SourceHarness, type Stage, setStage, type UseStage } from './stage.ts';
import type { Reader } from './world.ts';

export type { SourceHarness } from './stage.ts';

/** The contract of `libs/source/contract.ts`, on any transport. */
export function describeSourceConformance(name: string, harness: SourceHarness): void {
  describe(`${name}: the contract of a change source`, () => {
    let stage: Stage;
    let readers: Reader[] = [];
    const use: UseStage = () => stage;
    beforeEach(async () => {
      readers = [];
      stage = await setStage(await harness.open(), readers);
    });
    afterEach(async () => {
      for (const reader of readers) reader.stop();
      const violations = readers.flatMap((reader) => reader.violations);
      const errors = readers.flatMap((reader) => (reader.error === undefined ? [] : [reader.error]));
      await stage.world.close();
      expect({ violations, errors }).toEqual({ violations: [], errors: [] });
    });
    describe('snapshot', () => snapshotTests(use, harness));
    describe('changes', () => {
      changeTests(use);
      removalTests(use);
      identityTests(use, harness);
    });
    describe('transactions', () => transactionTests(use));
    describe('restarts', () => restartTests(use, harness));
    describe('pace', () => pacingTests(use, harness));
    describe('values', () => valueTests(use));
  });
}
