import { DuckDBInstance } from '@duckdb/node-api';

// Runs one statement in its own process and reports its cost. Nothing is downloaded: what it needs is built in.
const instance = await DuckDBInstance.create(':memory:', {
  autoinstall_known_extensions: 'false',
  autoload_known_extensions: 'false',
});
const connection = await instance.connect();
const before = process.cpuUsage();
const beganAt = performance.now();
await connection.run(process.env['BENCH_TASK'] ?? '');
const { user, system } = process.cpuUsage(before);
process.send?.({
  wallMs: performance.now() - beganAt,
  cpu: (user + system) / 1e6,
  peakRssMb: process.resourceUsage().maxRSS / 1024,
});
connection.closeSync();
process.disconnect?.();
