import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import type { Commit } from '../../domain/git/commit.js';
import { updateIndex } from '../../domain/index/update.js';
import type { NewObject } from '../../ports/git/git-store.js';
import type { Oid, RefName } from '../../ports/vocabulary.js';
import type { Ran } from '../support/programs/processes.js';
import type { Attack } from './attack.js';
import { chunkedBase, chunkedSet } from './forge-chunks.js';
import { forgeRollover, type RolloverForgery, rollOver } from './forge-rollover.js';
import type { Forger } from './forger.js';

const forged =
  (change: Partial<RolloverForgery>) =>
  (forge: Forger): Promise<Ran> =>
    rollOver(forge, change);
const edit =
  (pattern: RegExp, to: string) =>
  (commit: Commit): Commit => ({ ...commit, message: commit.message.replace(pattern, to) });
const A = 'a'.repeat(40);

/** A past state's trees: of the transaction before the newest. */
async function earlier(forge: Forger): Promise<{ ledger: Oid; commit: Oid }> {
  const tip = (await forge.base()).ledger?.commit as Oid;
  const [commit] = (await forge.opened(tip)).parents as [Oid];
  return { ledger: (await forge.opened(commit)).tree, commit };
}

/** Every kind of new epoch that the gateway must refuse: its namespace was begun, became `first`, then `second`, and has dead chunks. */
export const ROLLOVER_ATTACKS: readonly Attack[] = [
  { name: 'by a writer who is no admin', code: 'SIGNER_UNKNOWN', says: 'admin', run: forged({ signer: 'bob', person: 'bob' }) },
  { name: 'signed by a writer, pushed by an admin', code: 'SIGNER_UNKNOWN', says: 'admin', run: forged({ signer: 'bob' }) },
  { name: 'signed by a stranger', code: 'SIGNER_UNKNOWN', says: 'admin', run: forged({ signer: 'mallory' }) },
  { name: 'unsigned', code: 'SIGNATURE_MISSING', says: 'not signed', run: forged({ signer: null }) },
  {
    name: 'unsigned, with another index: the signature is looked at before anything is recomputed',
    code: 'SIGNATURE_MISSING',
    says: 'not signed',
    run: async (forge) => rollOver(forge, { signer: null, indexTree: (await forge.base()).index?.tree as Oid }),
  },
  {
    name: 'with the ledger of an earlier state',
    code: 'ATTESTATION_MISMATCH',
    says: 'the ledger tree',
    run: async (forge) => rollOver(forge, { ledgerTree: (await earlier(forge)).ledger }),
  },
  {
    name: 'with an index that keeps its tombstones',
    code: 'ATTESTATION_MISMATCH',
    says: 'the index tree',
    run: async (forge) => rollOver(forge, { indexTree: (await forge.base()).index?.tree as Oid }),
  },
  {
    name: 'with an index that drops a live key',
    code: 'ATTESTATION_MISMATCH',
    says: 'the index tree',
    run: async (forge) => {
      const objects: NewObject[] = [];
      const indexTree = await updateIndex(forge.store, forge.namer, 'main', null, new Map(), objects);
      await forge.store.write(objects);
      return rollOver(forge, { indexTree });
    },
  },
  {
    name: 'without its archive',
    code: 'REF_FORBIDDEN',
    says: 'moves only with a new epoch',
    run: forged({ without: 'kv-archive' }),
  },
  {
    name: 'without moving kv-epoch',
    code: 'REF_FORBIDDEN',
    says: 'must be moved to where',
    run: forged({ without: 'kv-epoch' }),
  },
  {
    name: 'without the index',
    code: 'ATTESTATION_MISMATCH',
    says: 'must move the ledger and the index together',
    run: forged({ without: 'kv-index' }),
  },
  {
    name: 'without the live chunks',
    code: 'ATTESTATION_MISMATCH',
    says: 'the chunks ref is -',
    run: forged({ without: 'kv-chunks' }),
  },
  {
    name: 'with an archive of an earlier ledger',
    code: 'ATTESTATION_MISMATCH',
    says: 'the archive’s parents',
    byFormat: true,
    run: async (forge) => {
      const { commit } = await earlier(forge);
      return rollOver(forge, { archive: (archive) => ({ ...archive, parents: [commit, archive.parents[1] as Oid] }) });
    },
  },
  {
    name: 'with an archive that leaves the index out',
    code: 'ATTESTATION_MISMATCH',
    says: 'the archive’s parents',
    run: forged({ archive: (commit) => ({ ...commit, parents: commit.parents.slice(0, 1) }) }),
  },
  {
    name: 'with an archive of another tree',
    code: 'ATTESTATION_MISMATCH',
    says: 'the archive’s tree',
    byFormat: true,
    run: async (forge) => {
      const { ledger } = await earlier(forge);
      return rollOver(forge, { archive: (commit) => ({ ...commit, tree: ledger }) });
    },
  },
  {
    name: 'with an archive under another label',
    code: 'ATTESTATION_MISMATCH',
    says: 'the archive ref',
    run: forged({ oldLabel: 'elsewhere' }),
  },
  {
    name: 'with an archive that says something else',
    code: 'ATTESTATION_MISMATCH',
    says: 'the archive’s message',
    run: forged({ archive: edit(/^Epoch: .*$/m, 'Epoch: other') }),
  },
  {
    name: 'over an archive that is there',
    code: 'REF_FORBIDDEN',
    says: 'is frozen',
    run: async (forge) => {
      // By force: the ref exists, and so the push would move it.
      const { specs } = await forgeRollover(forge, { oldLabel: 'first' });
      return forge.push(['push', '--atomic', '--force', forge.pushUrl, ...specs]);
    },
  },
  {
    name: 'to a label that was used',
    code: 'CAS_CONFLICT',
    says: 'has or had an epoch first',
    run: forged({ label: 'first', refLabel: 'unused' }),
  },
  {
    name: 'to the label that it has',
    code: 'CAS_CONFLICT',
    says: 'has or had an epoch second',
    run: forged({ label: 'second', refLabel: 'unused' }),
  },
  {
    name: 'to a label that is none',
    code: 'ATTESTATION_MISMATCH',
    says: 'no legal label',
    run: forged({ label: '_x', refLabel: 'unused' }),
  },
  {
    name: 'to a label that is none, in a ref',
    code: 'REF_FORBIDDEN',
    says: 'is no ref that this Stargate takes',
    run: forged({ label: '_x' }),
  },
  {
    name: 'with its chunks under another label',
    code: 'ATTESTATION_MISMATCH',
    says: 'the chunks ref',
    run: forged({ refLabel: 'unused' }),
  },
  {
    name: 'after another ledger',
    code: 'ATTESTATION_MISMATCH',
    says: 'Parent-Ledger',
    byFormat: true,
    run: async (forge) => {
      const { commit } = await earlier(forge);
      return rollOver(forge, { ledger: edit(/^Parent-Ledger: .*$/m, `Parent-Ledger: ${commit}`) });
    },
  },
  {
    name: 'after no ledger',
    code: 'ATTESTATION_MISMATCH',
    says: 'Parent-Ledger',
    run: forged({ ledger: edit(/^Parent-Ledger: .*\n/m, '') }),
  },
  {
    name: 'after another epoch',
    code: 'ATTESTATION_MISMATCH',
    says: 'Parent-Epoch',
    run: forged({ ledger: edit(/^Parent-Epoch: .*$/m, 'Parent-Epoch: first') }),
  },
  {
    name: 'on another base',
    code: 'ATTESTATION_MISMATCH',
    says: 'Base-Tree',
    byFormat: true,
    run: forged({ ledger: edit(/^Base-Tree: .*$/m, `Base-Tree: ${A}`) }),
  },
  {
    name: 'that sets a key',
    code: 'ATTESTATION_MISMATCH',
    says: 'Keys-Set',
    run: forged({ ledger: edit(/^Keys-Set: 0$/m, 'Keys-Set: 1') }),
  },
  {
    name: 'of another namespace',
    code: 'ATTESTATION_MISMATCH',
    says: 'KV-NS',
    run: forged({ ledger: edit(/^KV-NS: .*$/m, 'KV-NS: other') }),
  },
  {
    name: 'whose index is another transaction’s',
    code: 'ATTESTATION_MISMATCH',
    says: 'KV-Txn of the index commit',
    run: forged({ index: edit(/^KV-Txn: .*$/m, 'KV-Txn: 01KDYF0000ABCDEFGHJKMNPQRT') }),
  },
  {
    name: 'whose chunks are another transaction’s',
    code: 'ATTESTATION_MISMATCH',
    says: 'KV-Txn of the chunks commit',
    run: forged({ chunks: edit(/^KV-Txn: .*$/m, 'KV-Txn: 01KDYF0000ABCDEFGHJKMNPQRT') }),
  },
  {
    name: 'with a dead chunk',
    code: 'ATTESTATION_MISMATCH',
    says: 'KV-Chunks-Tree',
    run: async (forge) => rollOver(forge, { chunksTree: (await chunkedBase(forge)).chunks?.tree as Oid }),
  },
  { name: 'with no chunk at all', code: 'ATTESTATION_MISMATCH', says: 'KV-Chunks-Tree', run: forged({ chunksTree: null }) },
  {
    name: 'with a parent',
    code: 'REF_FORBIDDEN',
    says: 'which has a parent',
    run: async (forge) => {
      const { commit } = await earlier(forge);
      return rollOver(forge, { ledger: (made) => ({ ...made, parents: [commit] }) });
    },
  },
  {
    name: 'with an index that has a parent',
    code: 'REF_FORBIDDEN',
    says: 'which has a parent',
    run: async (forge) => {
      const tip = (await forge.base()).index?.commit as Oid;
      return rollOver(forge, { index: (made) => ({ ...made, parents: [tip] }) });
    },
  },
  {
    name: 'with chunks that have a parent',
    code: 'REF_FORBIDDEN',
    says: 'which has a parent',
    run: async (forge) => {
      const tip = (await chunkedBase(forge)).chunks?.commit as Oid;
      return rollOver(forge, { chunks: (made) => ({ ...made, parents: [tip] }) });
    },
  },
  {
    name: 'with kv-epoch somewhere else',
    code: 'ATTESTATION_MISMATCH',
    says: 'the epoch ref',
    run: async (forge) => {
      const { specs, base } = await forgeRollover(forge, { without: 'kv-epoch' });
      return forge.push(['push', '--atomic', forge.pushUrl, ...specs, `+${base.ledger?.commit}:refs/kv-epoch/main`]);
    },
  },
  {
    name: 'without --atomic',
    code: 'REF_FORBIDDEN',
    says: 'must be atomic',
    run: async (forge) => forge.push(['push', forge.pushUrl, ...(await forgeRollover(forge)).specs]),
  },
];

/** Writes two values in chunks of their own: one is to stay, the other to be deleted before the attacks begin. */
export async function twoValues(forge: Forger): Promise<void> {
  for (const key of ['cfg:live', 'cfg:dead']) {
    const ran = await forge.send(
      await forge.forge({ base: await chunkedBase(forge), operations: [await chunkedSet(forge, key, [randomBytes(999)])] }),
    );
    expect(ran.code, ran.stderr).to.equal(0);
  }
}

/** Begins the epoch `third` without a fault. */
export async function honestRollover(forge: Forger): Promise<void> {
  const ran = await rollOver(forge, { label: 'third' });
  expect(ran.code, ran.stderr).to.equal(0);
}

/** Pushes two new epochs after `third` at once: of all refs, those of one of them move. */
export async function twoThatRace(forge: Forger, refs: () => Promise<ReadonlyMap<RefName, Oid>>): Promise<void> {
  const specs = [(await forgeRollover(forge, { label: 'left' })).specs, (await forgeRollover(forge, { label: 'right' })).specs];
  const before = await refs();
  const rans = await Promise.all(specs.map((each) => forge.push(['push', '--atomic', forge.pushUrl, ...each])));
  expect(rans.map(({ code }) => code === 0).sort(), rans.map(({ stderr }) => stderr).join()).to.deep.equal([false, true]);
  const winner = rans[0]?.code === 0 ? 'left' : 'right';
  const after = await refs();
  const made = [...after.keys()].filter((ref) => !before.has(ref)).sort();
  expect(made).to.deep.equal(['refs/kv-archive/main@third', `refs/kv-chunks/main@${winner}`, `refs/kv-watchlog/main@${winner}`]);
  expect(after.get('refs/kv-epoch/main')).to.equal(after.get('refs/kv/main'));
}
