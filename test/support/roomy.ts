import type { DiskRoom } from '../../apps/stargate/repository/disk-room.js';

/** A disk that always has room. */
export const ROOMY: DiskRoom = {
  look: async () => ({ free: 1024 ** 4, size: 1024 ** 4, why: null }),
  lack: async () => null,
  require: async () => undefined,
  told: (error) => error,
  close: () => undefined,
};
