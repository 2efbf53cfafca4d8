/** A client of etcd's JSON gateway, for the adapters over etcd. No port lies above it, so no profile names it. */
export { EtcdConfig, gatewayOptions } from './config.js';
export { Etcd, type Txn, type TxnOutcome, type Within } from './etcd.js';
export { compareOfFence, encodeFence } from './fence.js';
export type { GatewayOptions } from './gateway.js';
export type { Compare, KeyValue, Operation } from './messages.js';
