import { IsInt, IsNotEmpty, IsString, Max, Min } from 'class-validator';
import type { LeaderLock, OpenAdapter } from '../../ports/index.js';
import { Etcd, EtcdConfig, gatewayOptions } from '../etcd-gateway/index.js';
import { openEtcdLock } from './etcd-lock.js';

export { type EtcdLockOptions, openEtcdLock } from './etcd-lock.js';

/** Which key of which etcd is the lock. */
export class Config extends EtcdConfig {
  /** The key: one a repository, and the same for all Stargates over it. */
  @IsString()
  @IsNotEmpty()
  key!: string;

  /** How long a leader that is gone keeps the others waiting, seconds. */
  @IsInt()
  @Min(1)
  @Max(3600)
  ttl = 10;
}

/** Opens the lock, which nobody holds by that. Asks etcd nothing yet. Throws `CONFIG_INVALID`. */
export const open: OpenAdapter<Config, LeaderLock> = async (config, { directory }) => {
  const etcd = await Etcd.open(gatewayOptions(config, directory));
  return openEtcdLock({ etcd, key: config.key, ttlSeconds: config.ttl });
};
