import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import type { MemberView } from '../../services/sandbox/stack/member.ts';
import { changeLine, statusScreen } from '../../services/sandbox/stack/screen.ts';
import { readVitals, throughput } from '../../services/sandbox/stack/vitals.ts';

const member = (change: Partial<MemberView>): MemberView => ({
  name: 'broker',
  state: 'up',
  pid: 0,
  tookMs: 4_321,
  since: 0,
  restarts: 0,
  note: '127.0.0.1:9092',
  ...change,
});

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

/** An API with these answers by path; everything else gets another status. */
async function apiOf(answers: Readonly<Record<string, unknown>>, other = 404): Promise<string> {
  const server = createServer((request, response) => {
    const answer = answers[request.url ?? ''];
    response.writeHead(answer === undefined ? other : 200).end(JSON.stringify(answer ?? 'not an object'));
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test('health, lag and throughput are what the API says', async () => {
  const url = await apiOf({
    '/api/ready': { status: 'not_ready', reasons: ['the broker does not answer'] },
    '/api/freshness': {
      lag_ms: { engagement: 12, performance: null },
      roles: { engagement: { marks_waiting: 1_200 }, performance: { marks_waiting: 34 } },
      rejected_waiting: 5,
      streams: [
        { stream: 'kafka/lms.public.grades/0', applied: '9000' },
        { stream: 'kafka/lms.public.grades/1', applied: '1000' },
        { stream: 'pgoutput', applied: '0/16B3748' },
      ],
    },
  });
  const vitals = await readVitals(url);
  const before = { ...vitals, applied: 5_000n, at: vitals.at - 2_000 };
  const perSecond = throughput(before, vitals);
  const screen = statusScreen({ url, folder: '/x', startedAt: 0, members: [], vitals, perSecond, now: 61_000 });
  expect(screen).toContain('  Health  not ready: the broker does not answer');
  expect(screen).toContain('  Lag     engagement 12 ms · performance unknown · 1,234 marks wait · 5 rows rejected');
  expect(screen).toContain('  Rate    2,500 records/s · 10,000 applied');
  expect(screen[0]).toContain('1 min 1 s');
});

test('an API that does not answer, or with something else, is no reason to fall', async () => {
  expect(await readVitals('http://127.0.0.1:1')).toMatchObject({ health: 'unknown', applied: null });
  const vitals = await readVitals(await apiOf({}));
  expect(vitals).toMatchObject({ health: 'not ready', reasons: [], marks: 0 });
  expect(throughput(undefined, vitals)).toBeNull();
  // Falling offsets: somebody began again.
  expect(throughput({ ...vitals, applied: 10n, at: 0 }, { ...vitals, applied: 4n, at: 1_000 })).toBeNull();
});

test('an API that asks for a token is not told to be unwell', async () => {
  const screenOf = async (url: string): Promise<string> =>
    statusScreen({
      url,
      folder: '',
      startedAt: 0,
      members: [],
      vitals: await readVitals(url),
      perSecond: null,
      now: 0,
    }).join('\n');
  expect(await screenOf(await apiOf({}, 401))).toMatch(/Health {2}the API asks for a token .*API_OPEN_PROBES=on/);
  const probed = await screenOf(await apiOf({ '/api/ready': { status: 'ready' } }, 401));
  expect(probed).toMatch(/Health {2}ready\n {2}Lag {5}unknown/);
});

test('a member has one line, with how long it took, how often it was started again, and what it says', () => {
  const [, , , up, starting, refused] = statusScreen({
    url: '',
    folder: '',
    startedAt: 0,
    members: [
      member({ restarts: 2 }),
      member({ name: 'connect', state: 'starting', tookMs: null, since: 1_000, note: '' }),
      member({ name: 'migrate', state: 'refused', tookMs: null, note: 'ended with code 2: wrong' }),
    ],
    vitals: undefined,
    perSecond: null,
    now: 4_500,
  });
  expect(up).toMatch(/^ {2}broker +up +4\.3 s +2× +127\.0\.0\.1:9092$/);
  expect(starting).toMatch(/^ {2}connect +starting +3\.5 s…$/);
  expect(refused).toMatch(/^ {2}migrate +REFUSED +ended with code 2: wrong$/);
});

test('off a terminal a line tells of what came up or went down, and of nothing else', () => {
  expect(changeLine(member({}))).toMatch(/^ {2}broker +up +4\.3 s {3}127\.0\.0\.1:9092$/);
  expect(changeLine(member({ state: 'down', note: 'ended with SIGKILL; starting it again in 1 s' }))).toContain('DOWN');
  expect(changeLine(member({ state: 'starting' }))).toBeUndefined();
  expect(changeLine(member({ state: 'waiting' }))).toBeUndefined();
});
