import { KvError } from '../../ports/index.js';
import type { Compare } from './messages.js';

/** A held lock as a lease's `fence` tells it: the key, as the revision that made it. */
export function encodeFence(key: string, createRevision: number): string {
  return `${createRevision} ${key}`;
}

/** What a transaction compares so that it is done only while that lock is held. Throws `CONFIG_INVALID` for a fence of something else. */
export function compareOfFence(fence: string): Compare {
  const [, revision, key] = /^(\d{1,16}) (.+)$/s.exec(fence) ?? [];
  if (revision !== undefined && key !== undefined) return { key, createRevision: Number(revision) };
  throw new KvError('CONFIG_INVALID', 'the fence of the lease is none of etcd', {
    hint: 'name a leader-lock in the profile that lies in the same etcd',
  });
}
