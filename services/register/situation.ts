import type { SlotStatus } from '#libs/source/contract.ts';
import type { ConnectorState } from '#libs/store/progress/connector.ts';

/** Where the connector stands, after a look at everything. */
export interface Situation {
  readonly state: ConnectorState;
  /** One sentence for an operator. */
  readonly detail: string;
  readonly epoch: number | null;
  readonly slot: SlotStatus | undefined;
}
