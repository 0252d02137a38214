import type { Log } from '#libs/platform/log.ts';
import type { DatabaseAddress } from '#libs/platform/postgres/database.ts';
import { listenForNotifications } from '#libs/platform/postgres/listen.ts';

/** Students whose features have changed, by our integers; 'any': anybody's may have. */
export type ChangedStudents = readonly number[] | 'any';

/** Hears of every committed change of features, about as soon as the database can announce it. */
export interface FeatureNews {
  /** Whether everything committed until a moment ago has been heard. */
  readonly isHearing: boolean;
  stop(): Promise<void>;
}

/** The channel that the triggers on the feature tables notify. */
const CHANNEL = 'prepadata_features';

export interface FeatureNewsOptions {
  readonly address: DatabaseAddress;
  readonly log: Log;
  /** Also called with 'any' when a connection begins: what was announced before was not heard. */
  onChange(students: ChangedStudents): void;
}

export const listenForFeatureNews = ({ address, log, onChange }: FeatureNewsOptions): FeatureNews =>
  listenForNotifications({
    address,
    channel: CHANNEL,
    log,
    onMessage: (payload) => onChange(payload === '' ? 'any' : payload.split(',').map(Number)),
  });
