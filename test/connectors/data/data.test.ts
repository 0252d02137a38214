import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newDataDir, Program } from '../../e2e/program.ts';
import { indexOfPip } from '../../support/python.ts';

/*
 * The pages for Python users, each command as it stands there, against a program as a user runs it. The environment is the one
 * that the page creates, which takes hundreds of megabytes: outside CI these tests are skipped.
 */

const ROOT = path.resolve(import.meta.dirname, '../../..');
const CONNECTORS = path.join(ROOT, 'connectors');
const NOTEBOOK = path.join(CONNECTORS, 'notebooks/explore.ipynb');
const TIMEOUT_MS = 600_000;
const run = promisify(execFile);

/** All blocks of one language on a page, concatenated. */
function blocksOf(page: string, language: string): string {
  const text = readFileSync(path.join(CONNECTORS, page), 'utf8');
  return [...text.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\``, 'gms'))].map(([, block]) => block).join('');
}

/**
 * A folder that looks like the repository, so that nothing the commands make stays. It is on the same disk as the home,
 * so that packages are linked instead of copied.
 */
function placeToWork(): string {
  mkdirSync(path.join(ROOT, '.stack'), { recursive: true });
  const folder = mkdtempSync(path.join(ROOT, '.stack/python-pages-'));
  for (const name of readdirSync(ROOT)) {
    if (!name.startsWith('.')) symlinkSync(path.join(ROOT, name), path.join(folder, name));
  }
  return folder;
}

/** What check_feast.py found for one way of asking. */
interface Compared {
  readonly known: number;
  readonly differences: readonly string[];
}

interface Notebook {
  readonly cells: readonly {
    readonly cell_type: string;
    readonly source: readonly string[];
    readonly execution_count?: number | null;
    readonly outputs?: readonly Output[];
  }[];
}
interface Output {
  readonly output_type: string;
  readonly name?: string;
}
/** An error, or a warning, which needs fixing too. */
const isTrouble = ({ output_type, name }: Output): boolean => output_type === 'error' || name === 'stderr';

const readNotebook = (file: string): Notebook => JSON.parse(readFileSync(file, 'utf8')) as Notebook;
const codeOf = ({ cells }: Notebook) => cells.filter((cell) => cell.cell_type === 'code');

describe.skipIf(process.env['CI'] === undefined)('with Python', () => {
  // The campus stands still, so that two ways of reading see the same. Days do not end in UTC, so that mistakes about it show.
  const program = new Program(newDataDir(), {
    PIPELINE_SCHEDULE: 'off',
    CAMPUS_PACE_MS: '3600000',
    INSTITUTION_TIMEZONE: 'America/Lima',
  });
  let folder: string;

  /** Runs commands in one shell after another, as a person does; exported variables carry over. */
  async function type(commands: string): Promise<string> {
    const index = await indexOfPip();
    const env = { ...process.env, DATA_DIR: program.dataDir, ...(index && { UV_DEFAULT_INDEX: index }) };
    const script = `set -euo pipefail; if [ -f .exported ]; then . ./.exported; fi\n${commands}\nexport -p > .exported`;
    const { stdout } = await run('bash', ['-c', script], { cwd: folder, env, maxBuffer: 64 * 1024 * 1024 });
    return stdout;
  }

  beforeAll(async () => {
    folder = placeToWork();
    await program.start().untilReady();
  }, TIMEOUT_MS);
  afterAll(async () => {
    await program.cleanUp();
    rmSync(folder, { recursive: true, force: true });
  });

  test(
    'the page of the notebook leads to a trained model',
    async () => {
      await type(blocksOf('notebooks/README.md', 'sh'));
      const made = readNotebook(path.join(folder, 'explore.ipynb'));
      expect(codeOf(made).map((cell) => cell.source)).toEqual(
        codeOf(readNotebook(NOTEBOOK)).map((cell) => cell.source),
      );
      const printed = codeOf(made).flatMap((cell) => cell.outputs ?? []);
      expect(printed.filter(isTrouble)).toEqual([]);
      const evaluated = JSON.stringify(printed.find((output) => /AUC of/.test(JSON.stringify(output))));
      expect(evaluated).toContain('earlier courses');
      expect(evaluated).toContain('other students');
      expect(evaluated).not.toMatch(/nan/i);
    },
    TIMEOUT_MS,
  );

  test(
    'the page of Feast leads to the values of the tables and of the training set',
    async () => {
      // Unless Python optimises, Feast checks types as it runs, which takes half the time of each command.
      await type(`export PYTHONOPTIMIZE=1\n${blocksOf('feast/README.md', 'sh')}`);
      const code = blocksOf('feast/README.md', 'python');
      const shown = await type(`python - <<'END'\n${code}\nEND`);
      expect(shown).toMatch(/engagement_ma7.*\n\d+ .*engagement_score.*\n\d+ /s);
      const check = path.join(import.meta.dirname, 'check_feast.py');
      const printed = await type(`python ${check} feature_repo campus.parquet`);
      const compared = JSON.parse(printed.trim().split('\n').at(-1) ?? '') as Readonly<Record<string, Compared>>;
      for (const what of ['online', 'of the training set', 'by day', 'a second before']) {
        expect({ what, differences: compared[what]?.differences.slice(0, 5) }).toEqual({ what, differences: [] });
        expect(compared[what]?.known, what).toBeGreaterThan(2_000);
      }
    },
    TIMEOUT_MS,
  );

  test(
    'what is written in Python is as ruff wants it',
    async () => {
      await type('uv pip install ruff==0.17.6');
      expect(await type(`ruff check --quiet ${ROOT}/connectors ${ROOT}/test/connectors || true`)).toBe('');
    },
    TIMEOUT_MS,
  );
});

describe('the notebook as it is committed', () => {
  test('has been run, without an error, and is small', () => {
    expect(statSync(NOTEBOOK).size).toBeLessThan(200_000);
    for (const { source, execution_count, outputs = [] } of codeOf(readNotebook(NOTEBOOK))) {
      expect(execution_count, source.join('')).toBeGreaterThan(0);
      expect(outputs.filter(isTrouble)).toEqual([]);
    }
  });

  // On the last days of a course these columns equal the label; schemas/dataset.md tells everybody to leave them out.
  test('does not learn from the answer', () => {
    const code = codeOf(readNotebook(NOTEBOOK))
      .map(({ source }) => source.join(''))
      .join('\n');
    const [, dropped = ''] = /^columns = known\.drop\(columns=\[(.*?)\]\)/m.exec(code) ?? [];
    expect(dropped.split(', ')).toEqual(expect.arrayContaining(['"passed"', '"module_grade"']));
  });

  test('holds no password and no place of the machine that it was run on', () => {
    expect(readFileSync(NOTEBOOK, 'utf8')).not.toMatch(/PGPASSWORD=|\/home\/|\/root\/|\/tmp\/|\/work\//);
  });
});
