export { type Broker, type BrokerOptions, startBroker } from './broker.ts';
export { type Connect, type ConnectOptions, startConnect } from './connect.ts';
export { completeParts, type FetchOptions, type FetchProgress, fetchParts, isComplete, partsFolder } from './fetch.ts';
export type { Exit, PartOptions, RunningPart } from './process.ts';
export { type LocalRegistryOptions, type Registry, startRegistry } from './registry.ts';
