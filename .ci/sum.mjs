// Sums the test runner's JSON reports: node .ci/sum.mjs <other failures> <report.json …>
import { existsSync, readFileSync } from 'node:fs';
import { relative } from 'node:path';

const LINES_OF_A_FAILURE = 4;

const [others = '0', ...files] = process.argv.slice(2);
const total = { passed: 0, failed: 0, skipped: 0 };
for (const file of files.filter((name) => existsSync(name))) {
  const report = JSON.parse(readFileSync(file, 'utf8'));
  total.passed += report.numPassedTests;
  total.failed += report.numFailedTests;
  total.skipped += report.numPendingTests + (report.numTodoTests ?? 0);
  report.testResults.forEach(tellOfFailures);
}
if (total.failed === 0) total.failed = Number(others);
if (total.passed === 0) total.failed = Math.max(1, total.failed);
console.log(`${total.passed} passed, ${total.failed} failed${total.skipped > 0 ? `, ${total.skipped} skipped` : ''}`);
process.exit(total.failed > 0 ? 1 : 0);

/** Prints each failure with its first lines, so that the end of a long output shows what failed. */
function tellOfFailures({ name: file, status, message, assertionResults: results }) {
  const name = relative(process.cwd(), file);
  const failures = results.filter((result) => result.status === 'failed');
  if (failures.length === 0 && status === 'failed') console.log(`FAILED: ${name}\n${beginningOf(message)}`);
  for (const { fullName, duration, failureMessages } of failures) {
    const seconds = Math.round((duration ?? 0) / 1_000);
    console.log(`FAILED: ${name} > ${fullName} (${seconds} s)\n${failureMessages.map(beginningOf).join('\n')}`);
  }
}

function beginningOf(message) {
  const lines = message.split('\n').slice(0, LINES_OF_A_FAILURE);
  return lines.map((line) => `    ${line}`).join('\n');
}
