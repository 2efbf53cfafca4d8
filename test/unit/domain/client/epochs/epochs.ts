import type { GitMemoryStore } from '../../../../../adapters/git-memory/open.js';
import { encodeCommit, stamp } from '../../../../../domain/git/commit.js';
import { renderLedgerMessage } from '../../../../../domain/ledger/transaction/attestation.js';
import { archiveCommit } from '../../../../../domain/ledger/epoch.js';
import { memory, NOW } from '../../../../support/memory/memory.js';

const DAY = 86_400_000;

/** A namespace that went through these epochs; each archive ends a day after the one before. */
export async function namespaceWith(labels: readonly string[], gone: readonly string[] = []): Promise<GitMemoryStore> {
  const { store, namer } = memory();
  const tree = namer.object('tree', new Uint8Array(0));
  await store.write([tree]);
  const updates: { ref: string; old: null; next: string }[] = [];
  for (const [i, label] of labels.entries()) {
    const ident = stamp('ada <ada@example.org>', NOW + i * DAY);
    const message = renderLedgerMessage('x', {
      ...{
        ns: 'main',
        txn: '01KDYF0000ABCDEFGHJKMNPQRS',
        baseTree: null,
        indexTree: tree.oid,
        chunksTree: null,
        keysSet: 0,
        keysDel: 0,
      },
      ...{ epoch: label, parentEpoch: labels[i - 1] ?? null, parentLedger: null, repository: null, intent: null },
    });
    const ledger = namer.object(
      'commit',
      encodeCommit({ tree: tree.oid, parents: [], author: ident, committer: ident, signature: null, message }, 'sha1'),
    );
    const archive = archiveCommit(namer, { ns: 'main', label, ledger: ledger.oid, tree: tree.oid, index: ledger.oid }, ident);
    await store.write([ledger, archive]);
    const last = i === labels.length - 1;
    if (last) updates.push({ ref: 'refs/kv/main', old: null, next: ledger.oid });
    else if (!gone.includes(label)) updates.push({ ref: `refs/kv-archive/main@${label}`, old: null, next: archive.oid });
    if (!gone.includes(label)) updates.push({ ref: `refs/kv-watchlog/main@${label}`, old: null, next: ledger.oid });
  }
  await store.updateRefs(updates, 'test');
  return store;
}
