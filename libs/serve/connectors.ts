import { z } from 'zod';
import type { Reading } from '#libs/platform/metrics.ts';
import type { Queryable } from '#libs/platform/postgres/database.ts';
import { CONNECTOR_STATES, readConnectorReports } from '#libs/store/progress/connector.ts';
import { count, instant, isoInstant, known } from './answers.ts';
import { slotReadings } from './source.ts';

export const connectorAnswer = z.strictObject({
  name: z.string(),
  epoch: known(z.int(), 'The epoch whose slot it reads'),
  state: z.enum(CONNECTOR_STATES),
  detail: z.string(),
  slot: z.string().nullable(),
  retained_bytes: known(count, "Log that the source's server keeps because of the slot"),
  safe_bytes: known(count, 'Log that may still be written before the slot is lost; null: no limit is set'),
  restarts: count.meta({ description: 'How often a failed task was started again' }),
  heard_at: known(instant, 'When Kafka Connect last answered'),
  updated_at: instant,
});
export type ConnectorAnswer = z.output<typeof connectorAnswer>;

/** Debezium's connectors, as their supervisor sees them; none if changes do not come over Kafka. */
export async function readConnectors(db: Queryable): Promise<ConnectorAnswer[]> {
  return (await readConnectorReports(db)).map((report) => ({
    name: report.name,
    epoch: report.epoch,
    state: report.state,
    detail: report.detail,
    slot: report.slot,
    retained_bytes: report.retained_bytes === null ? null : Number(report.retained_bytes),
    safe_bytes: report.safe_bytes === null ? null : Math.max(0, Number(report.safe_bytes)),
    restarts: report.restarts,
    heard_at: isoInstant(report.heard_at),
    updated_at: report.updated_at.toISOString(),
  }));
}

/** Several missed reports: one is written every 5 s while somebody looks after the connector. */
const UNATTENDED_MS = 20_000;

/**
 * What is wrong with the connectors, one sentence each.
 * @param now milliseconds since 1970
 */
export function connectorTroubles(connectors: readonly ConnectorAnswer[], now: number): string[] {
  return connectors.flatMap(({ name, state, detail, updated_at: updated }) => {
    const troubles = state === 'streaming' ? [] : [`the connector ${name}: ${detail}`];
    const isUnattended = now - Date.parse(updated) > UNATTENDED_MS;
    return isUnattended
      ? [...troubles, `nobody has looked after the connector ${name} since ${updated}: run npm run register -- --watch`]
      : troubles;
  });
}

export function connectorReadings(connectors: readonly ConnectorAnswer[]): Reading[] {
  return connectors.flatMap(
    ({ name, state, slot, retained_bytes: retained, safe_bytes: safe, restarts }): Reading[] => [
      { name: 'prepadata_connector_streaming', labels: { connector: name }, value: state === 'streaming' ? 1 : 0 },
      { name: 'prepadata_connector_restarts', labels: { connector: name }, value: restarts },
      ...(slot === null ? [] : slotReadings(slot, retained, safe)),
    ],
  );
}
