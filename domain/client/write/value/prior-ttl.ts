import { nothingToKeep } from '../../../ledger/intent/conflicts.js';
import { quoteKey } from '../../../ledger/value/key.js';
import { decodeMetadata } from '../../../ledger/value/metadata.js';
import { pathsOf, placeOf } from '../../../ledger/paths.js';
import type { Clone } from '../../clone/clone.js';
import type { Tip } from '../../clone/tips.js';
import type { PreparedOperation, RequestedOperation } from '../operations.js';

/**
 * Gives operations that keep a TTL the one that their key has at the tip; a key that has none there is left to the policy. Throws
 * `EXPIRED` for a TTL that has passed: a value that nobody can read would be written.
 */
export async function keepTtls(
  clone: Clone,
  ns: string,
  tip: Tip | null,
  operations: readonly PreparedOperation[],
): Promise<readonly PreparedOperation[]> {
  const keeping = operations.filter((one) => one.op === 'set' && one.priorTtl === 'keep' && one.expiresAt === undefined);
  if (tip === null || keeping.length === 0) return operations;
  const now = clone.clock.now();
  const paths = keeping.map(({ key }) => pathsOf(ns, placeOf(key, clone.hasher)).meta);
  const metas = await clone.store.readPaths(tip.commit.tree, paths);
  const kept = new Map<string, number>();
  keeping.forEach(({ key }, i) => {
    const blob = metas[i];
    const ttl = blob ? decodeMetadata(blob.body, quoteKey(key)).ttl : null;
    if (ttl === null) return;
    const expiresAt = Date.parse(ttl);
    if (expiresAt <= now) throw nothingToKeep(key, ttl);
    kept.set(key, expiresAt);
  });
  return operations.map((one) => (one.op === 'set' && kept.has(one.key) ? { ...one, expiresAt: kept.get(one.key) } : one));
}

/** Operations that keep the TTL of their key, where their writer said nothing of it. */
export function keepingTtls(operations: readonly RequestedOperation[]): RequestedOperation[] {
  return operations.map((one) => (one.op === 'set' && one.priorTtl === 'warn' ? { ...one, priorTtl: 'keep' } : one));
}

/** The keys that had a TTL and are set without one, by writers who said nothing of it. */
export function lostUnsaid(operations: readonly PreparedOperation[], lost: readonly string[]): string[] {
  if (lost.length === 0) return [];
  const unsaid = new Set(operations.filter((one) => one.op === 'set' && one.priorTtl === 'warn').map(({ key }) => key));
  return lost.filter((key) => unsaid.has(key));
}
