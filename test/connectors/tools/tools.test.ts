import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import { METRICS } from '#libs/platform/metrics-table.ts';
import { dashboard, type Panel, ROWS } from './dashboard.ts';

const HERE = import.meta.dirname;
const PROMETHEUS = path.resolve(HERE, '../../../connectors/prometheus');
const ALERTS = readFileSync(path.join(PROMETHEUS, 'alerts.yml'), 'utf8');

const panels: readonly Panel[] = Object.values(ROWS).flat();
const expressions = panels.flatMap(({ queries }) => Object.values(queries));

/** A histogram is queried through its parts. */
const metricsIn = (text: string): Set<string> =>
  new Set([...text.matchAll(/\bprepadata_\w+/g)].map(([name]) => name.replace(/_(bucket|sum|count)$/, '')));

/** From Debian's package `prometheus`, which .ci/run installs. */
function promtool(...args: string[]): string {
  try {
    return execFileSync('promtool', args, { encoding: 'utf8', stdio: 'pipe' });
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    throw new Error(`promtool ${args.join(' ')}: ${stdout}${stderr}`, { cause: error });
  }
}
const hasPromtool = ((): boolean => {
  try {
    return promtool('--version') !== '';
  } catch {
    // CI must have it.
    return process.env['CI'] === 'true';
  }
})();

test('the dashboard is printed from the table of metrics; npx vitest run test/connectors/tools -u', async () => {
  await expect(`${JSON.stringify(dashboard(), null, 2)}\n`).toMatchFileSnapshot(
    '../../../connectors/grafana/dashboard.json',
  );
});

test('every metric is on the dashboard, and it and the alarms know no other', () => {
  const advice =
    'give it a panel in test/connectors/tools/dashboard.ts, and run npx vitest run test/connectors/tools -u';
  expect([...metricsIn(expressions.join(' '))].sort(), advice).toEqual(Object.keys(METRICS).sort());
  expect([...metricsIn(ALERTS)].filter((name) => !(name in METRICS))).toEqual([]);
});

test('a metric is grouped by labels that it has', () => {
  for (const text of [...expressions, ...ALERTS.split('\n')]) {
    const known = [...metricsIn(text)].flatMap((name) => METRICS[name as keyof typeof METRICS]?.labels ?? []);
    const asked = [...text.matchAll(/by \(([^)]*)\)/g)].flatMap(([, names = '']) => names.split(/, */));
    expect({ text, strange: asked.filter((name) => ![...known, 'le', 'instance'].includes(name)) }).toEqual({
      text,
      strange: [],
    });
  }
});

test('each alarm is seen going off, and staying silent', () => {
  const tried = readFileSync(path.join(HERE, 'alerts.test.yml'), 'utf8');
  const [healthy = '', ...bad] = tried.split(/^ {2}- name: /m).slice(1);
  for (const [, alarm = ''] of ALERTS.matchAll(/- alert: (\w+)/g)) {
    expect({ alarm, silent: healthy.includes(`${alarm} }`), goesOff: bad.join().includes(alarm) }).toEqual({
      alarm,
      silent: true,
      goesOff: true,
    });
  }
});

test.skipIf(!hasPromtool)('Prometheus takes the alarms, its example and what the dashboard asks', () => {
  promtool('check', 'rules', path.join(PROMETHEUS, 'alerts.yml'));
  promtool('check', 'config', path.join(PROMETHEUS, 'prometheus.yml'));
  promtool('test', 'rules', path.join(HERE, 'alerts.test.yml'));
  const folder = mkdtempSync(path.join(tmpdir(), 'prepadata-rules-'));
  try {
    const file = path.join(folder, 'dashboard.yml');
    const rules = expressions.map((expr, n) => ({
      record: `panel_${n}`,
      expr: expr.replaceAll('$__rate_interval', '5m'),
    }));
    // JSON is valid YAML.
    writeFileSync(file, JSON.stringify({ groups: [{ name: 'dashboard', rules }] }));
    expect(promtool('check', 'rules', file)).toContain(`${rules.length} rules found`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
