import { afterAll, beforeAll, expect, test } from 'vitest';
import { useStack } from '../support/stack.ts';
import { readTopics, type TopicReader } from '../support/topic-reader.ts';
import { createFixture, type Fixture, register, until, type Watcher, watch } from './fixture.ts';

/* The registry of the run asks for BACKWARD of all subjects, as Confluent's and Karapace do unless they are told otherwise. */

let fixture: Fixture;
let reader: TopicReader;
let watcher: Watcher;

beforeAll(async () => {
  fixture = await createFixture('rules');
  reader = await readTopics(useStack(), [`${fixture.settings.name}.public.grades`]);
});
afterAll(async () => {
  await watcher?.stop();
  await reader?.stop();
  await fixture?.connect.remove().catch(() => {});
  await fixture?.drop();
});

test('changes go on coming when a column becomes NOT NULL, which the registry takes for incompatible', async () => {
  const { db } = fixture.source;
  await db.query(`INSERT INTO grades (grade_item, grade_value) VALUES ('before', 1)`);
  await register(fixture);
  watcher = watch(fixture);
  await until('the row of before', () => reader.records.length === 1);
  await db.query('ALTER TABLE grades ALTER COLUMN grade_value SET NOT NULL');
  await db.query(`INSERT INTO grades (grade_item, grade_value) VALUES ('after', 2)`);
  await until(`the row of after; told: ${watcher.told.at(-1)}`, () => reader.records.length > 1);
  expect(reader.records.map(({ value }) => value?.after?.['grade_item'])).toEqual(['before', 'after']);
  expect(watcher.told).toContainEqual(expect.stringContaining('takes every schema of the change topics from now on'));
});
