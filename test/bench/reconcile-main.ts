import { writeFileSync } from 'node:fs';
import { messageOf } from '#libs/domain/errors.ts';
import { onSignals } from '#libs/platform/lifecycle.ts';
import { RECONCILE_SIZES, reconcile } from './reconcile.ts';
import { printResult } from './report.ts';
import { World } from './world.ts';

const USAGE = `npm run bench:reconcile -- [--size small|full] [--rows 100000,1000000,5000000] [--json file]

Compares every row of a source with its image, as the nightly proof does, and reads the same rows in the same order without
doing anything with them, in the same run: ratios, never bare times, and the peak memory of a process of its own.
  --size  small (a fiftieth of everything, the default) or full
  --rows  other numbers of rows than those, at full size
  --json  writes the result to a file as well
`;

const SCALES: Readonly<Record<string, number>> = { small: 1 / 50, full: 1 };

function parse(given: readonly string[]): { scale: number; rows: readonly number[]; json?: string } {
  const options = new Map<string, string>();
  for (let at = 0; at < given.length; at += 2) {
    const [name = '', value] = given.slice(at, at + 2);
    if (!['--size', '--rows', '--json'].includes(name) || value === undefined) throw new RangeError(name);
    options.set(name, value);
  }
  const scale = SCALES[options.get('--size') ?? 'small'];
  const rows = options.get('--rows')?.split(',').map(Number) ?? RECONCILE_SIZES;
  const json = options.get('--json');
  if (scale === undefined) throw new RangeError(`--size ${options.get('--size')}`);
  if (rows.some((count) => !Number.isInteger(count) || count < 1))
    throw new RangeError(`--rows ${options.get('--rows')}`);
  return { scale, rows, ...(json === undefined ? {} : { json }) };
}

async function main(): Promise<number> {
  let asked: ReturnType<typeof parse>;
  try {
    asked = parse(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`not understood: ${messageOf(error)}\n\n${USAGE}`);
    return 2;
  }
  const world = await World.start(asked.scale);
  let stopped = false;
  onSignals(() => {
    stopped = true;
    void world.stop();
  });
  try {
    const result = await reconcile(world, asked.rows);
    process.stdout.write(printResult(result));
    if (asked.json !== undefined) writeFileSync(asked.json, `${JSON.stringify(result, null, 2)}\n`);
    return 0;
  } catch (error) {
    if (stopped) return 130;
    throw error;
  } finally {
    await world.stop();
  }
}

process.exit(await main());
