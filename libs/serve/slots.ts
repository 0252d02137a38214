import { z } from 'zod';
import { count, known } from './answers.ts';
import type { ConnectorAnswer } from './connectors.ts';
import type { InstanceAnswer } from './instances.ts';

export const slotAnswer = z.strictObject({
  name: z.string(),
  retained_bytes: count.meta({ description: "Log that the source's server keeps because of the slot" }),
  safe_bytes: known(count, 'Log that may still be written before the slot is lost; null: no limit is set'),
});
export type SlotAnswer = z.output<typeof slotAnswer>;

/** The slots at the source, whoever reads them: a process of ours, or Debezium. */
export function slotsOf(instances: readonly InstanceAnswer[], connectors: readonly ConnectorAnswer[]): SlotAnswer[] {
  const own = instances.flatMap(({ alive, source }) => (alive && source !== null ? (source.slot ?? []) : []));
  const others = connectors.flatMap(({ slot, retained_bytes, safe_bytes }) =>
    slot === null || retained_bytes === null ? [] : [{ name: slot, retained_bytes, safe_bytes }],
  );
  return [...new Map([...own, ...others].map((slot) => [slot.name, slot])).values()];
}
