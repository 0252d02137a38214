// Sums the test runner's JSON reports: node .ci/sum.mjs <other failures> <report.json …>
import { existsSync, readFileSync } from 'node:fs';

const [others = '0', ...files] = process.argv.slice(2);
const total = { passed: 0, failed: 0, skipped: 0 };
for (const file of files.filter((name) => existsSync(name))) {
  const report = JSON.parse(readFileSync(file, 'utf8'));
  total.passed += report.numPassedTests;
  total.failed += report.numFailedTests;
  total.skipped += report.numPendingTests + (report.numTodoTests ?? 0);
}
if (total.failed === 0) total.failed = Number(others);
if (total.passed === 0) total.failed = Math.max(1, total.failed);
console.log(`${total.passed} passed, ${total.failed} failed${total.skipped > 0 ? `, ${total.skipped} skipped` : ''}`);
process.exit(total.failed > 0 ? 1 : 0);
