import { appendFileSync, existsSync, writeFileSync } from 'node:fs';

/*
 * Stands for a role: `child.ts <name> <notes> [what]`. It notes when it begins and when it ends, and is ready at once.
 *   once      ends at once with 0
 *   refuses   says why and ends with 2
 *   crashes   ends with 1 each time until <notes>.fixed is there
 *   stubborn  does not end when asked
 *   tells     writes its environment to <notes>.<name>
 */
const [name = '', notes = '', what = ''] = process.argv.slice(2);
const tell = (word: string): void => appendFileSync(notes, `${word} ${name} ${process.pid}\n`);

tell('begin');
process.on('SIGTERM', () => {
  if (what === 'stubborn') return;
  tell('end');
  process.exit(0);
});
process.stderr.write('{"level":30,"msg":"a line of the log"}\n');
if (what === 'once') process.exit(0);
if (what === 'refuses') {
  process.stderr.write(`${name}: the fake setting is wrong\n  set it right\n`);
  process.exit(2);
}
if (what === 'crashes' && !existsSync(`${notes}.fixed`)) process.exit(1);
process.stdout.write(`ready: ${name} on ${process.env['API_PORT'] ?? 'no port'}\n`);
if (what === 'tells') writeFileSync(`${notes}.${name}`, JSON.stringify(process.env));
setInterval(() => {}, 1_000);
