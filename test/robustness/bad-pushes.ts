import { expect } from 'chai';
import type { Commit } from '../../domain/git/commit.js';
import { encodePointer, tombstone } from '../../domain/ledger/value/pointer.js';
import { updateIndex } from '../../domain/index/update.js';
import { utf8 } from '../../domain/git/bytes.js';
import type { NewObject } from '../../ports/git/git-store.js';
import type { Ran } from '../support/programs/processes.js';
import type { Attack } from './attack.js';
import type { Forger, Forgery } from './forger.js';

const edit =
  (pattern: RegExp, to: string) =>
  (commit: Commit): Commit => ({ ...commit, message: commit.message.replace(pattern, to) });
const forged =
  (change: Partial<Forgery>) =>
  async (forge: Forger): Promise<Ran> =>
    forge.send(await forge.forge(change));
const planted = (path: string, content = 'x', mode?: string) =>
  forged({ plant: [{ path, content, ...(mode === undefined ? {} : { mode }) }] });
const A = 'a'.repeat(40);

/** Rebuilds the index wrongly, and binds both commits to it. */
const withIndex =
  (wrong: (forge: Forger, base: string) => Promise<{ tree: string; objects: NewObject[] }>) =>
  async (forge: Forger): Promise<Ran> => {
    const base = await forge.base();
    const { tree, objects } = await wrong(forge, base.index?.tree ?? '');
    await forge.store.write(objects);
    return forge.send(
      await forge.forge({
        base,
        ledger: edit(/^KV-Index-Tree: .*$/m, `KV-Index-Tree: ${tree}`),
        index: (commit) => ({ ...commit, tree }),
      }),
    );
  };

const pointerFor =
  (key: string, text: Uint8Array, mode: string) =>
  async (forge: Forger, base: string): Promise<{ tree: string; objects: NewObject[] }> => {
    const objects: NewObject[] = [];
    const blob = forge.namer.object('blob', text);
    objects.push(blob);
    const tree = await updateIndex(forge.store, forge.namer, 'main', base, new Map([[key, { mode, oid: blob.oid }]]), objects);
    return { tree, objects };
  };

/** The policy for these: one prefix is allowed, and values are small. */
export const narrowed = (policy: string): string =>
  policy
    .replace('allowed_prefixes: []', 'allowed_prefixes: ["cfg:"]')
    .replace('max_value_inline: 1MiB', 'max_value_inline: 64KiB');

/** Every kind of push that the gateway must refuse. */
export const PUSH_ATTACKS: readonly Attack[] = [
  { name: 'an unsigned commit', code: 'SIGNATURE_MISSING', run: forged({ signer: null }) },
  { name: 'a commit signed by a stranger', code: 'SIGNER_UNKNOWN', run: forged({ signer: 'mallory' }) },
  {
    name: 'a signature over something else',
    code: 'SIGNATURE_INVALID',
    run: async (forge) => {
      const signature = await forge.sign(utf8('something else'), 'ada');
      return forge.send(await forge.forge({ ledger: (commit) => ({ ...commit, signature }) }));
    },
  },
  {
    name: 'a signature that is none',
    code: 'SIGNATURE_INVALID',
    byFormat: true,
    run: forged({ ledger: (commit) => ({ ...commit, signature: 'trust me' }) }),
  },
  { name: 'a missing trailer', code: 'ATTESTATION_MISMATCH', run: forged({ ledger: edit(/^KV-Txn: .*\n/m, '') }) },
  { name: 'a duplicated trailer', code: 'ATTESTATION_MISMATCH', run: forged({ ledger: edit(/^(Keys-Set: .*\n)/m, '$1$1') }) },
  { name: 'a folded trailer', code: 'ATTESTATION_MISMATCH', run: forged({ ledger: edit(/^Keys-Set: /m, 'Keys-Set:\n ') }) },
  {
    name: 'a base tree that is not the parent’s',
    code: 'ATTESTATION_MISMATCH',
    byFormat: true,
    run: forged({ ledger: edit(/^Base-Tree: .*$/m, `Base-Tree: ${A}`) }),
  },
  {
    name: 'an index tree that is not the index commit’s',
    code: 'ATTESTATION_MISMATCH',
    byFormat: true,
    run: forged({ ledger: edit(/^KV-Index-Tree: .*$/m, `KV-Index-Tree: ${A}`) }),
  },
  {
    name: 'a ledger tree that is not the ledger commit’s',
    code: 'ATTESTATION_MISMATCH',
    byFormat: true,
    run: forged({ index: edit(/^KV-Ledger-Tree: .*$/m, `KV-Ledger-Tree: ${A}`) }),
  },
  {
    name: 'two transactions’ ids',
    code: 'ATTESTATION_MISMATCH',
    run: forged({ index: edit(/^KV-Txn: .*$/m, 'KV-Txn: 01KDYF0000ABCDEFGHJKMNPQRT') }),
  },
  { name: 'a wrong count', code: 'ATTESTATION_MISMATCH', run: forged({ ledger: edit(/^Keys-Set: 1$/m, 'Keys-Set: 2') }) },
  { name: 'another epoch', code: 'ATTESTATION_MISMATCH', run: forged({ ledger: edit(/^Epoch: .*$/m, 'Epoch: 1999Q1') }) },
  {
    name: 'a chunks tree without chunks',
    code: 'ATTESTATION_MISMATCH',
    byFormat: true,
    run: forged({ ledger: edit(/^KV-Chunks-Tree: -$/m, `KV-Chunks-Tree: ${A}`) }),
  },
  {
    name: 'a merge commit',
    code: 'REF_FORBIDDEN',
    byFormat: true,
    run: async (forge) => {
      const base = await forge.base();
      const other = await forge.forge({ base });
      return forge.send(
        await forge.forge({ base, ledger: (commit) => ({ ...commit, parents: [...commit.parents, other.ledger] }) }),
      );
    },
  },
  {
    name: 'a forced push',
    code: 'REF_FORBIDDEN',
    run: async (forge) => {
      const root = await forge.forge({ base: { ledger: null, index: null, chunks: null, epoch: '2026Q1', parentEpoch: null } });
      return forge.push([
        'push',
        '--atomic',
        '--force',
        forge.pushUrl,
        `${root.ledger}:refs/kv/main`,
        `${root.index}:refs/kv-index/main`,
      ]);
    },
  },
  {
    name: 'a ledger wound back to its parent',
    code: 'REF_FORBIDDEN',
    run: async (forge) => {
      const base = await forge.base();
      const push = ['push', '--atomic', '--force', forge.pushUrl];
      return forge.push([...push, `${base.ledger?.commit}~1:refs/kv/main`, `${base.index?.commit}~1:refs/kv-index/main`]);
    },
  },
  {
    name: 'a deletion',
    code: 'REF_FORBIDDEN',
    run: (forge) => forge.push(['push', '--atomic', forge.pushUrl, ':refs/kv/main', ':refs/kv-index/main']),
  },
  {
    name: 'a ledger without its index',
    code: 'ATTESTATION_MISMATCH',
    run: async (forge) => forge.push(['push', '--atomic', forge.pushUrl, `${(await forge.forge()).ledger}:refs/kv/main`]),
  },
  {
    name: 'an index without its ledger',
    code: 'ATTESTATION_MISMATCH',
    run: async (forge) => forge.push(['push', '--atomic', forge.pushUrl, `${(await forge.forge()).index}:refs/kv-index/main`]),
  },
  {
    name: 'a push without --atomic',
    code: 'REF_FORBIDDEN',
    run: async (forge) => forge.send(await forge.forge(), { atomic: false }),
  },
  { name: 'a foreign file beside the data', code: 'POLICY_VIOLATION', run: planted('kv/main/notes.txt') },
  { name: 'a foreign file in the root', code: 'POLICY_VIOLATION', run: planted('README.md') },
  { name: 'a file of another namespace', code: 'POLICY_VIOLATION', run: planted('kv/other/data/00/00/x') },
  { name: 'a key in the wrong directory', code: 'POLICY_VIOLATION', run: planted('kv/main/data/00/00/cfg:x') },
  { name: 'a key that is not in its urlsafe form', code: 'POLICY_VIOLATION', run: planted('kv/main/data/0a/f9/a.b') },
  { name: 'a value without metadata', code: 'ATTESTATION_MISMATCH', run: (forge) => lonely(forge, 'data', '') },
  { name: 'metadata without a value', code: 'ATTESTATION_MISMATCH', run: (forge) => lonely(forge, 'meta', '.meta') },
  { name: 'a symlink', code: 'POLICY_VIOLATION', run: (forge) => lonely(forge, 'data', '', '120000') },
  { name: 'an executable', code: 'POLICY_VIOLATION', run: (forge) => lonely(forge, 'data', '', '100755') },
  {
    name: 'an LFS pointer',
    code: 'POLICY_VIOLATION',
    run: (forge) => {
      const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${'4'.repeat(64)}\nsize 12345\n`;
      return forged({ operations: [forge.set('cfg:lfs', pointer)] })(forge);
    },
  },
  {
    name: 'a key without an allowed prefix',
    code: 'POLICY_VIOLATION',
    run: (forge) => forged({ operations: [forge.set('other:x', '1')] })(forge),
  },
  {
    name: 'a value one byte over the limit',
    code: 'POLICY_VIOLATION',
    run: (forge) => forged({ operations: [forge.set('cfg:big', 'x'.repeat(65537))] })(forge),
  },
  {
    name: 'an ETag that is not the value’s',
    code: 'ATTESTATION_MISMATCH',
    run: (forge) => forged({ operations: [forge.set('cfg:etag', '1', { etag: `blake3:${'0'.repeat(64)}` })] })(forge),
  },
  {
    name: 'metadata that is not canonical',
    code: 'ATTESTATION_MISMATCH',
    run: (forge) => forged({ operations: [forge.set('cfg:meta', '1', { createdAt: '2026-01-01' })] })(forge),
  },
  {
    name: 'an index that says a live key is deleted',
    code: 'ATTESTATION_MISMATCH',
    run: withIndex(pointerFor('cfg:forged', encodePointer(tombstone('cfg:forged')), '100755')),
  },
  {
    name: 'an index with a pointer too many',
    code: 'ATTESTATION_MISMATCH',
    run: withIndex(pointerFor('cfg:ghost', utf8('{}'), '100644')),
  },
  {
    name: 'an index that was left as it was',
    code: 'ATTESTATION_MISMATCH',
    byFormat: true,
    run: withIndex(async (_forge, base) => ({ tree: base, objects: [] })),
  },
  {
    name: 'another namespace’s signed commit, replayed',
    code: 'ATTESTATION_MISMATCH',
    run: async (forge) => {
      const other = await forge.forge({
        ns: 'other',
        operations: [forge.set('cfg:replay', '1')],
        base: { ...(await forge.base('main')) },
      });
      return forge.send(other);
    },
  },
  {
    name: 'a signed commit, replayed on a later tip',
    code: 'REF_FORBIDDEN',
    run: async (forge, mark) => {
      const base = await forge.base();
      const early = await forge.forge({ base });
      expect((await forge.send(await forge.forge({ base }))).code).to.equal(0);
      await mark();
      return forge.push([
        'push',
        '--atomic',
        '--force',
        forge.pushUrl,
        `${early.ledger}:refs/kv/main`,
        `${early.index}:refs/kv-index/main`,
      ]);
    },
  },
  {
    name: 'a namespace that is not in the policy',
    code: 'POLICY_VIOLATION',
    run: async (forge) => forge.send(await forge.forge({ ns: 'wild' }), { ns: 'wild', first: true }),
  },
  {
    name: 'an epoch ref moved by hand',
    code: 'REF_FORBIDDEN',
    run: async (forge) => {
      const made = await forge.forge();
      return forge.send(made, { extra: [`+${made.ledger}:refs/kv-epoch/main`] });
    },
  },
  { name: 'a watchlog of one’s own', code: 'REF_FORBIDDEN', run: own('refs/kv-watchlog/main@2026Q1') },
  { name: 'a watermark of one’s own', code: 'REF_FORBIDDEN', run: own('refs/kv-mirror/main') },
  { name: 'a policy of one’s own', code: 'REF_FORBIDDEN', run: own('refs/kv-policy/current') },
  { name: 'a ref of no known kind', code: 'REF_FORBIDDEN', run: own('refs/notes/x') },
  { name: 'a namespace with an illegal name', code: 'REF_FORBIDDEN', run: own('refs/kv/UPPER') },
  // Each of these once stopped the mirroring of every ledger, or the daemon.
  { name: 'a branch that makes a kv ref ambiguous', code: 'REF_FORBIDDEN', run: own('refs/heads/refs/kv-mirror/main') },
  { name: 'a tag that makes a kv ref ambiguous', code: 'REF_FORBIDDEN', run: own('refs/tags/refs/kv/main') },
  { name: 'a branch with a space that only some programs see', code: 'REF_FORBIDDEN', run: own('refs/heads/x\u00a0y') },
  { name: 'a branch name that no file system takes', code: 'REF_FORBIDDEN', run: own(`refs/heads/${'a/'.repeat(600)}b`) },
  {
    name: 'a commit message that unpacks to more than anyone reads',
    code: 'POLICY_VIOLATION',
    run: forged({ ledger: edit(/^kv: /, `${'x\n'.repeat(100_000)}kv: `) }),
  },
  {
    name: 'metadata that unpacks to more than anyone reads',
    code: 'ATTESTATION_MISMATCH',
    run: (forge) => forged({ operations: [forge.set('cfg:fat', '1', { createdBy: 'a'.repeat(100_000) })] })(forge),
  },
  {
    name: 'a writer whose name steers the terminal',
    code: 'ATTESTATION_MISMATCH',
    run: (forge) => forged({ operations: [forge.set('cfg:esc', '1', { createdBy: 'a\u001b[2Kb' })] })(forge),
  },
  {
    name: 'an author whose name steers the terminal',
    code: 'ATTESTATION_MISMATCH',
    run: forged({ ledger: (commit) => ({ ...commit, author: commit.author.replace(/^\w+/, '\u001b]0;x\u0007') }) }),
  },
  {
    name: 'an author time that is none',
    code: 'ATTESTATION_MISMATCH',
    run: forged({ ledger: (commit) => ({ ...commit, author: commit.author.replace(/\d+ \+/, '99999999999999 +') }) }),
  },
];

/** A file of one half of a key. */
async function lonely(forge: Forger, half: 'data' | 'meta', suffix: string, mode?: string): Promise<Ran> {
  const key = 'cfg:lonely';
  const digest = forge.namer.hasher.hex('sha256', utf8(key));
  return planted(`kv/main/${half}/${digest.slice(0, 2)}/${digest.slice(2, 4)}/${key}${suffix}`, 'x', mode)(forge);
}

function own(ref: string) {
  return async (forge: Forger): Promise<Ran> => {
    const base = await forge.base();
    return forge.push(['push', '--atomic', '--force', forge.pushUrl, `${base.ledger?.commit}~1:${ref}`]);
  };
}
