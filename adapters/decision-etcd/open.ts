import { Matches } from 'class-validator';
import type { DecisionLog, OpenAdapter } from '../../ports/index.js';
import { Etcd, EtcdConfig, gatewayOptions } from '../etcd-gateway/index.js';
import { openEtcdDecisions } from './etcd-decisions.js';

export { type EtcdDecisionsOptions, openEtcdDecisions } from './etcd-decisions.js';

/** Which cluster's decisions, in which etcd. */
export class Config extends EtcdConfig {
  /** The cluster's name, the same on all its servers: small letters, digits, `.`, `_`, `-`. */
  @Matches(/^[a-z0-9][a-z0-9._-]{0,62}$/)
  cluster!: string;
}

/** Opens the log; asks etcd nothing yet. Throws `CONFIG_INVALID`. */
export const open: OpenAdapter<Config, DecisionLog> = async (config, { directory }) =>
  openEtcdDecisions({ etcd: await Etcd.open(gatewayOptions(config, directory)), cluster: config.cluster });
