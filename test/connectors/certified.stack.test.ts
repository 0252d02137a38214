import { chmodSync, copyFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openDatabase } from '#libs/platform/postgres/database.ts';
import { RoleProcess } from '../e2e/role-process.ts';
import { type CertifiedPostgres, certifiedEnv, pem, startCertifiedPostgres } from '../support/certified.ts';
import { useStack } from '../support/stack.ts';
import { readTopics, type TopicReader } from '../support/topic-reader.ts';
import { until } from './fixture.ts';

/* Databases that admit their users only with a certificate: the commands present it, and so does Debezium. */

const name = `certified${process.pid}`;
let certified: CertifiedPostgres;
let reader: TopicReader;
let env: Record<string, string>;

beforeAll(async () => {
  certified = await startCertifiedPostgres();
  await certified.server.ensureDatabase('features');
  const key = path.join(certified.folder, 'client.key');
  copyFileSync(pem('client.key'), key);
  chmodSync(key, 0o600);
  const files = { SSLCERT: pem('client.crt'), SSLKEY: key };
  env = {
    ...useStack().env,
    ...certifiedEnv('SOURCE_DB', certified, 'lms', files),
    ...certifiedEnv('ANALYTICS_DB', certified, 'features', files),
    CDC_SOURCE: 'kafka',
    KAFKA_TOPIC_PREFIX: name,
  };
});
afterAll(async () => {
  await reader?.stop();
  await certified?.stop();
});

async function run(program: string, ...words: string[]): Promise<string> {
  const command = new RoleProcess(program, env, words);
  expect(await command.ended(), command.output).toEqual({ code: 0, signal: null });
  return command.output;
}

const arrived = (): number => new Set(reader.records.map(({ value }) => value?.after?.['id'])).size;

test('what was there is read, and what comes is followed', async () => {
  const db = openDatabase(certified.server.admin('lms'), { connections: 1 });
  try {
    await db.query("INSERT INTO students (external_id) VALUES ('before')");
    await run('migrate');
    expect(await run('register')).toMatch(/^streaming: following /m);
    reader = await readTopics(useStack(), [`${name}.public.students`]);
    await until('the row that was there', () => arrived() === 1);
    await db.query("INSERT INTO students (external_id) VALUES ('after')");
    await until('the row that came', () => arrived() === 2);
    await run('register', '--drop');
    expect(await db.query('SELECT FROM pg_replication_slots')).toEqual([]);
  } finally {
    await db.close();
  }
});
