import { writeFileSync } from 'node:fs';
import { ConfigurationError } from '#libs/domain/errors.ts';
import { onSignals } from '#libs/platform/lifecycle.ts';
import { runProgram, type Typed } from '#libs/platform/program.ts';
import { RECONCILE_SIZES, reconcile } from './reconcile.ts';
import { printResult } from './report.ts';
import { World } from './world.ts';

const USAGE = `npm run bench:reconcile -- [--size small|full] [--rows 100000,1000000,5000000] [--json file]

Compares every row of a source with its image, as the nightly reconcile does, and reads the same rows in the same order without
doing anything with them, in the same run: ratios, never bare times, and the peak memory of a process of its own.
  --size  small (a fiftieth of everything, the default) or full
  --rows  other numbers of rows than those, at full size
  --json  writes the result to a file as well
`;

const SCALES: Readonly<Record<string, number>> = { small: 1 / 50, full: 1 };
const OPTIONS = { size: { type: 'string' }, rows: { type: 'string' }, json: { type: 'string' } } as const;

async function main({ values: { size = 'small', rows: given, json } }: Typed<typeof OPTIONS>): Promise<number> {
  const hint = 'npm run bench:reconcile -- --help shows what is possible';
  const scale = SCALES[size];
  const rows = given?.split(',').map(Number) ?? RECONCILE_SIZES;
  if (scale === undefined) throw new ConfigurationError(`--size ${size} is neither small nor full`, hint);
  if (rows.some((count) => !Number.isInteger(count) || count < 1))
    throw new ConfigurationError(`--rows ${given} is no list of numbers of rows`, hint);
  const world = await World.start(scale);
  let stopped = false;
  onSignals(() => {
    stopped = true;
    void world.stop();
  });
  try {
    const result = await reconcile(world, rows);
    process.stdout.write(printResult(result));
    if (json !== undefined) writeFileSync(json, `${JSON.stringify(result, null, 2)}\n`);
    return 0;
  } catch (error) {
    if (stopped) return 130;
    throw error;
  } finally {
    await world.stop();
  }
}

await runProgram({ name: 'bench:reconcile', usage: USAGE, options: OPTIONS }, main);
