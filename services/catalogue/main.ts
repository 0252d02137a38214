import { runProgram, type Typed } from '#libs/platform/program.ts';
import { CATALOGUE } from '#libs/serve/catalogue/index.ts';
import { catalogueText } from '#libs/serve/catalogue/text.ts';
import { writeFeastRepository } from './feast.ts';

const USAGE = `Prints the data catalogue: what every feature column means, in which unit, of which days and source rows, when it is
null, and how exact it is.

  npm run catalogue                     for people
  npm run --silent catalogue -- --json  as GET /features serves it, but for the version, which the database keeps
  npm run catalogue -- --feast DIR      as a feature repository of Feast, in that folder (connectors/feast/README.md)

A row of engagement_features and performance_features is one student in one course, as of as_of_date;
of temporal_features the same on one day. It needs no database. Exit code 2: an argument is not known, or the folder
cannot be written to.
`;

const [LEAST_WIDTH, USUAL_WIDTH, MOST_WIDTH] = [80, 100, 120];

const OPTIONS = { json: { type: 'boolean' }, feast: { type: 'string' } } as const;

function textFor({ json, feast }: Typed<typeof OPTIONS>['values']): string {
  if (feast !== undefined) return `${writeFeastRepository(feast).join('\n')}\n`;
  if (json === true) return `${JSON.stringify(CATALOGUE, null, 2)}\n`;
  const width = process.stdout.columns ?? USUAL_WIDTH;
  return catalogueText(CATALOGUE, Math.min(Math.max(width, LEAST_WIDTH), MOST_WIDTH));
}

// A reader that wants only the first lines (head, a pager) closes the pipe; that is not a failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});

await runProgram({ name: 'catalogue', usage: USAGE, options: OPTIONS }, async ({ values }) => {
  const text = textFor(values);
  // A pipe takes the text in pieces; exiting before all is written would cut it off.
  await new Promise<void>((resolve) => process.stdout.write(text, () => resolve()));
  return 0;
});
