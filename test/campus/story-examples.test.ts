import { expect, test } from 'vitest';
import { readyScreen } from '../../services/sandbox/local/screen.ts';
import { lookLines, type StoryExample } from '../../services/sandbox/local/story-examples.ts';

const URL = 'http://127.0.0.1:8001';
const LOOKS: StoryExample[] = [
  { story: 'fading away', student: 17, startsOn: '2026-11-03', endsOn: null, seenIn: 'days_inactive' },
  {
    story: 'back after illness',
    student: 204,
    startsOn: '2026-09-28',
    endsOn: '2026-10-10',
    seenIn: 'longest_gap_days',
  },
  { story: 'late submitter', student: 5, startsOn: '2026-09-14', endsOn: null, seenIn: 'late_submissions' },
];

test('a line for each story, in columns', () => {
  expect(lookLines(URL, LOOKS)).toEqual([
    '  Worth a look, and the feature that shows it',
    '  fading away         since 3 Nov      curl -s http://127.0.0.1:8001/api/metrics/student/17   days_inactive',
    '  back after illness  28 Sep - 10 Oct  curl -s http://127.0.0.1:8001/api/metrics/student/204  longest_gap_days',
    '  late submitter      since 14 Sep     curl -s http://127.0.0.1:8001/api/metrics/student/5    late_submissions',
  ]);
});

test('an illness within one month names it once', () => {
  const [, line] = lookLines(URL, [{ ...LOOKS[1], startsOn: '2026-11-02', endsOn: '2026-11-12' } as StoryExample]);
  expect(line).toContain('  2 - 12 Nov  ');
});

test('where there is no room, the feature is left out, and no line is wider than 110', () => {
  const lines = lookLines('http://prepadata.somewhere.example:8001', LOOKS);
  expect(lines.join('\n')).not.toContain('days_inactive');
  for (const line of [...lines, ...lookLines(URL, LOOKS)]) expect(line.length).toBeLessThanOrEqual(110);
});

const address = { host: '127.0.0.1', port: 5433, database: 'lms', user: 'prepadata', password: 'secret' };
const facts = {
  url: URL,
  source: address,
  analytics: { ...address, port: 5434, database: 'prepadata' },
  folders: ['/data/source', '/data/analytics'],
  sourceTimeZone: 'America/Argentina/ComodRivadavia',
  logFile: '/data/prepadata.log',
  studentId: 1,
};

test('the screen shows them on the sample campus, within 110 columns', () => {
  const lines = readyScreen({ ...facts, hasCampus: true, hasOwnStore: true, looks: LOOKS }).split('\n');
  expect(lines).toContain('  Worth a look, and the feature that shows it');
  for (const line of lines) expect(line.length).toBeLessThanOrEqual(110);
});

test('and nothing of the kind elsewhere', () => {
  const screen = readyScreen({ ...facts, hasCampus: false, hasOwnStore: false, looks: [] });
  expect(screen).not.toContain('Worth a look');
  expect(screen).not.toContain('secret');
});

test.each([
  [true, false],
  [false, true],
])(
  'shows the passwords of the sample campus and its features alone: source %s, analytics %s',
  (hasCampus, hasOwnStore) => {
    const addresses = { source: { ...address, password: 'of-lms' }, analytics: { ...address, password: 'of-store' } };
    const screen = readyScreen({ ...facts, ...addresses, hasCampus, hasOwnStore, looks: [] });
    expect(screen.includes('of-lms')).toBe(hasCampus);
    expect(screen.includes('of-store')).toBe(hasOwnStore && hasCampus);
  },
);
