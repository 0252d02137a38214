export { type Broker, type BrokerOptions, startBroker } from './broker.ts';
export type { BrokerSecurity } from './broker-security.ts';
export { type Connect, type ConnectOptions, startConnect } from './connect.ts';
export { completeParts, type FetchOptions, type FetchProgress, fetchParts, isComplete, partsFolder } from './fetch.ts';
export type { Exit, PartOptions, RunningPart } from './process.ts';
export { CONFLUENT_PATH, type LocalRegistryOptions, type Registry, startRegistry } from './registry.ts';
export { trainParts } from './training.ts';
