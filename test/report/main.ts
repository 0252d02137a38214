import { FLAG_NAMES } from '#libs/domain/flags.ts';
import { runProgram } from '#libs/platform/program.ts';
import { judgeCampus } from './campus.ts';
import { FalseFlagTally, LESS, medianOf, StoryTally } from './tally.ts';
import { withdrawals } from './withdrawals.ts';

const USAGE = `How good the flags are, whatever that shows.

  npm run report:anomalies -- [--seeds 50] [--students 300]
                                        against the stories of as many sample campuses
  npm run report:anomalies -- --oulad <folder> [--presentation BBB-2013B]
                                        against withdrawals of a real course
`;

/** Where every campus's history ends, so that the same seeds give the same figures. */
const END = Date.UTC(2026, 4, 20, 14, 30);

/** Stories in which something happens on a day; the others are ways of studying. */
const EVENTS = ['fading away', 'back after illness'];

const shown = (value: number | null, decimals = 1): string => (value === null ? '–' : value.toFixed(decimals));

function reportCampus(seeds: number, students: number): void {
  const stories = new Map<string, StoryTally>();
  const steady = new FalseFlagTally();
  let keys = 0;
  for (let seed = 1; seed <= seeds; seed += 1) {
    const judged = judgeCampus(`report ${seed}`, END, students);
    keys += judged.length;
    const alwaysThere = judged.flatMap(({ truth, days }) => (truth?.story === 'steady' ? [days] : []));
    for (const days of alwaysThere) steady.add(days);
    for (const { truth, days } of judged) {
      if (truth === null || !EVENTS.includes(truth.story)) continue;
      const tally = stories.get(truth.story) ?? new StoryTally();
      stories.set(truth.story, tally);
      tally.add(days, truth, alwaysThere);
    }
    process.stderr.write(`\r${seed} of ${seeds} campuses`);
  }
  process.stderr.write('\n');
  console.log(`${seeds} campuses, ${keys} students in courses. Recall: of the students of a story, who do less than before from a known
day on, those of whom a flag says so (${LESS.join(', ')}) that opens from that day on;
by chance: of the steady ones in the same days. Delay from that day.
`);
  console.log('story               keys  recall %  by chance %  median days  first by');
  for (const [story, { keys: all, delays, recall, byChance, firstBy }] of [...stories].sort()) {
    const by = [...firstBy].sort((a, b) => b[1] - a[1]).map(([name, n]) => `${name} ${n}`);
    const cells = [shown(recall).padStart(8), shown(byChance).padStart(12), shown(medianOf(delays)).padStart(12)];
    console.log([story.padEnd(18), String(all).padStart(5), ...cells, ` ${by.join(', ')}`].join(' '));
  }
  console.log(
    `\nFlags that open per 100 weeks of a steady student in a course (${shown(steady.weeks, 0)} weeks): ${shown(steady.rate(), 2)}`,
  );
  for (const name of FLAG_NAMES) console.log(`  ${name.padEnd(18)} ${shown(steady.rate(name), 2).padStart(6)}`);
}

async function reportCourse(folder: string, presentation: string): Promise<void> {
  const found = await withdrawals(folder, presentation);
  const percent = (share: number | null): string => shown(share === null ? null : 100 * share);
  console.log(`${presentation}: ${found.students} students with days, ${found.withdrawn} withdrew while the course ran.
Any flag open in the 28 days before a withdrawal: ${percent(found.before)} % of those who withdrew,
${percent(found.others)} % of those who never did, in the same windows; ratio ${shown(found.ratio, 2)}.`);
  for (const { name, before, others } of found.byFlag)
    console.log(`  ${name.padEnd(18)} ${percent(before).padStart(6)} %  ${percent(others).padStart(6)} %`);
}

const OPTIONS = {
  seeds: { type: 'string', default: '50' },
  students: { type: 'string', default: '300' },
  oulad: { type: 'string' },
  presentation: { type: 'string', default: 'BBB-2013B' },
} as const;

await runProgram({ name: 'report:anomalies', usage: USAGE, options: OPTIONS }, async ({ values }) => {
  if (values.oulad === undefined) reportCampus(Number(values.seeds), Number(values.students));
  else await reportCourse(values.oulad, values.presentation);
  return 0;
});
