import { runProgram } from '#libs/platform/program.ts';
import { ALARMS, attentionScore } from './alarms.ts';
import { END, judgeCampus, openTallies, tally } from './campus.ts';
import { measure, rank } from './measures.ts';
import { judgePresentation } from './oulad.ts';
import { medianOf } from './tally.ts';

const USAGE = `How good the alarm of attention is, whatever that shows.

  npm run report:attention -- --oulad <folder> [--presentation AAA-2013J,BBB-2013B]
                                        on real courses: whom it catches, how early, and how often in vain
  npm run report:attention -- [--seeds 50] [--students 300]
                                        against the stories of as many sample campuses
`;

const shown = (value: number | null, decimals = 1): string => (value === null ? '–' : value.toFixed(decimals));
const percent = (share: number): string => (100 * share).toFixed(0);

function reportCampus(seeds: number, students: number): void {
  const tallies = openTallies();
  for (let seed = 1; seed <= seeds; seed += 1) {
    tally(judgeCampus(`report ${seed}`, END, students), tallies);
    process.stderr.write(`\r${seed} of ${seeds} campuses`);
  }
  const { fading, steady } = tallies;
  process.stderr.write('\n');
  console.log(`${seeds} sample campuses.
Fading away: attention opens for ${shown(fading.recall)} % of ${fading.keys}, after a median of ${shown(medianOf(fading.delays))} days;
for ${shown(fading.byChance)} % of the steady ones in the same days.
Steady: it opens ${shown(steady.rate, 2)} times in 100 weeks (${shown(steady.weeks, 0)} weeks).`);
}

const HEAD = `                        openings per   failers caught    withdrawers caught   lead,   of openings: left   did not
                        100 weeks of   by half (passers) a week ahead         median  within 28 days      complete
                        passers                          (passers)            days`;

async function reportCourse(folder: string, presentation: string): Promise<void> {
  const course = await judgePresentation(folder, presentation);
  const count = (result: string): number => course.students.filter((student) => student.result === result).length;
  console.log(
    `\n${presentation}: ${count('passed')} passed, ${count('failed')} failed, ${count('withdrew')} withdrew.\n${HEAD}`,
  );
  for (const alarm of ALARMS) {
    const of = measure(course, alarm);
    const cells = [
      alarm.name.padEnd(22),
      shown(of.openings).padStart(13),
      `${percent(of.failers)} % (${percent(of.passersByHalf)} %)`.padStart(19),
      `${percent(of.withdrawers)} % (${percent(of.passersInWindows)} %)`.padStart(19),
      shown(of.leadDays, 0).padStart(14),
      `${percent(of.leftWithin28)} %`.padStart(13),
      `${percent(of.didNotComplete)} %`.padStart(16),
    ];
    console.log(cells.join(' '));
  }
  const { auc, topShare, baseShare } = rank(course, attentionScore);
  console.log(`Each week's list, in the order of the page: AUC ${auc.toFixed(2)} for not completing; of the foremost twentieth ${percent(topShare)} % do not
complete, of everybody ${percent(baseShare)} %.`);
}

const OPTIONS = {
  seeds: { type: 'string', default: '50' },
  students: { type: 'string', default: '300' },
  oulad: { type: 'string' },
  presentation: { type: 'string', default: 'AAA-2013J,BBB-2013B' },
} as const;

await runProgram({ name: 'report:attention', usage: USAGE, options: OPTIONS }, async ({ values }) => {
  if (values.oulad === undefined) reportCampus(Number(values.seeds), Number(values.students));
  else for (const name of values.presentation.split(',')) await reportCourse(values.oulad, name);
  return 0;
});
