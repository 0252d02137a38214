import type { Log } from '#libs/platform/log.ts';
import type { DatabaseAddress } from '#libs/platform/postgres/database.ts';
import { listenForNotifications } from '#libs/platform/postgres/listen.ts';

/** Students whose features have changed, by our integers; 'any': it may be those of any. */
export type ChangedStudents = readonly number[] | 'any';

/** Hears of every committed change of features, about as fast as the database can tell. */
export interface FeatureNews {
  /** Whether all that was committed until a moment ago has been heard. */
  readonly isHearing: boolean;
  stop(): Promise<void>;
}

/** As the triggers on the feature tables say it. */
const CHANNEL = 'prepadata_features';

export interface FeatureNewsOptions {
  readonly address: DatabaseAddress;
  readonly log: Log;
  /** 'any' as well when a connection begins: what was said before it did was not heard. */
  onChange(students: ChangedStudents): void;
}

export const listenForFeatureNews = ({ address, log, onChange }: FeatureNewsOptions): FeatureNews =>
  listenForNotifications({
    address,
    channel: CHANNEL,
    log,
    onMessage: (payload) => onChange(payload === '' ? 'any' : payload.split(',').map(Number)),
  });
