import { expect } from 'chai';
import { readKey } from '../../domain/client/read/read.js';
import { readMany } from '../../domain/client/read/read-many.js';
import { KvError } from '../../ports/error.js';
import { listKeys } from '../../domain/client/read/list.js';
import type { RequestedOperation } from '../../domain/client/write/operations.js';
import { write } from '../../domain/client/write/write.js';
import { utf8 } from '../../domain/git/bytes.js';
import type { Commit } from '../../domain/git/commit.js';
import { MODE_DIR, oidBytesIn, readTree, type TreeEntry } from '../../domain/git/tree/tree.js';
import { encodePointer, tombstone } from '../../domain/ledger/value/pointer.js';
import { type PointerFile, updateIndex } from '../../domain/index/update.js';
import type { NewObject } from '../../ports/git/git-store.js';
import type { Oid } from '../../ports/vocabulary.js';
import { rejectionIn } from '../support/failure.js';
import type { Ran } from '../support/programs/processes.js';
import { all } from '../support/all.js';
import { type MemoryClient, openMemoryClient } from '../support/memory/client.js';
import { MemoryForge } from '../support/memory/forge.js';
import { MemoryGateway } from '../support/memory/gateway.js';
import { emptyTree } from './bad-trees.js';

const KEYS = 300;
const NS = 'main';
const set = (key: string, text: string): RequestedOperation => ({ op: 'set', key, value: utf8(text) });

/** A sampling Stargate doesn't rebuild the index, and must see all the same when it says what the ledger doesn't. */
for (const format of ['sha1', 'sha256'] as const) {
  describe(`verify: sampled (${format})`, () => {
    let gateway: MemoryGateway;
    let ada: MemoryClient;
    let forge: MemoryForge;
    before(async () => {
      gateway = await MemoryGateway.start({
        format,
        policy: (text) => text.replace(/^( +)retention:/m, '$1verify: { mode: sampled, sample_size: 1 }\n$&'),
      });
      ada = await openMemoryClient(gateway, 'ada');
      await writes(...Array.from({ length: KEYS - 50 }, (_, i) => set(`cfg:${i}`, `${i}`)));
      forge = new MemoryForge(gateway, 'ada');
    });
    after(async () => {
      await forge.close();
      await ada.close();
      await gateway.close();
    });
    const writes = (...operations: RequestedOperation[]) => write(ada.clone, { ns: NS, operations });

    it('takes honest writes, also one that splits a directory and hands down other keys’ pointers', async () => {
      await writes(...Array.from({ length: 50 }, (_, i) => set(`cfg:${1000 + i}`, 'x')), { op: 'del', key: 'cfg:0' });
      await writes(set('cfg:1', '1 again'));
      const asked = { ns: NS, prefix: '', long: false, allowExpired: false, readFrom: 'stargate', offline: false } as const;
      expect(await all(listKeys(ada.clone, asked))).to.have.length(KEYS - 1);
    });

    it('takes a value with a wrong ETag that is not in the sample, and nobody reads it', async () => {
      const wrong = Array.from({ length: 40 }, (_, i) =>
        forge.set(`etag:${i}`, `${i}`, i === 0 ? { etag: `blake3:${'0'.repeat(64)}` } : {}),
      );
      let ran: Ran;
      let tries = 0;
      do ran = await forge.send(await forge.forge({ operations: wrong }));
      while (ran.code !== 0 && ++tries < 10); // it is in the sample by chance
      expect(ran.code, ran.stderr).to.equal(0);
      const asked = { ns: NS, allowExpired: false, readFrom: 'stargate', offline: false } as const;
      expect((await readKey(ada.clone, { ...asked, key: 'etag:1' })).size).to.equal(1);
      const read = await readKey(ada.clone, { ...asked, key: 'etag:0' }).catch((error: unknown) => error);
      expect(KvError.is(read) && read.code).to.equal('ATTESTATION_MISMATCH');
      const [many] = await all(readMany(ada.clone, asked, ['etag:1', 'etag:0'])).catch((error: unknown) => [error]);
      expect(KvError.is(many) && many.code).to.equal('ATTESTATION_MISMATCH');
    });

    /** A transaction that sets one key, with an index that says something else besides. */
    async function withPointers(lies: readonly [string, string, Uint8Array][]): Promise<Ran> {
      const base = await forge.base();
      const operations = [forge.set('cfg:honest', `${lies.length}`)];
      const honest = await forge.forge({ base, operations });
      const [commit] = await forge.store.read([honest.index]);
      const tree = /^tree ([0-9a-f]+)/.exec(new TextDecoder().decode(commit?.body))?.[1] as string;
      const objects: NewObject[] = [];
      const pointers = new Map<string, PointerFile>();
      for (const [key, mode, body] of lies) {
        const blob = forge.namer.object('blob', body);
        objects.push(blob);
        pointers.set(key, { mode, oid: blob.oid });
      }
      const index = await updateIndex(forge.store, forge.namer, 'main', tree, pointers, objects);
      await forge.store.write(objects);
      const trailer = (ledger: Commit): Commit => ({
        ...ledger,
        message: ledger.message.replace(/^KV-Index-Tree: .*$/m, `KV-Index-Tree: ${index}`),
      });
      return forge.send(await forge.forge({ base, operations, ledger: trailer, index: (made) => ({ ...made, tree: index }) }));
    }

    /** A transaction that sets one key, with the pointers that its index must have, laid out otherwise. */
    async function laidOut(change: (tree: Oid) => Promise<Oid>): Promise<Ran> {
      const base = await forge.base();
      const operations = [forge.set('cfg:honest', 'laid out')];
      const honest = await forge.forge({ base, operations });
      const index = await change((await forge.opened(honest.index)).tree);
      const ledger = (commit: Commit): Commit => ({
        ...commit,
        message: commit.message.replace(/^KV-Index-Tree: .*$/m, `KV-Index-Tree: ${index}`),
      });
      return forge.send(await forge.forge({ base, operations, ledger, index: (made) => ({ ...made, tree: index }) }));
    }

    /** Changes the entries of the directory at a path. */
    async function at(tree: Oid, path: readonly string[], change: (entries: TreeEntry[]) => Promise<TreeEntry[]>): Promise<Oid> {
      const [object] = await forge.store.read([tree]);
      const entries = readTree(object?.body ?? new Uint8Array(), oidBytesIn(format));
      const [name, ...rest] = path;
      const changed =
        name === undefined
          ? await change(entries)
          : await Promise.all(
              entries.map(async (entry) => (entry.name === name ? { ...entry, oid: await at(entry.oid, rest, change) } : entry)),
            );
      const key = (entry: TreeEntry): string => (entry.mode === MODE_DIR ? `${entry.name}/` : entry.name);
      return forge.tree(changed.sort((a, b) => (key(a) < key(b) ? -1 : 1)));
    }

    const filesBelow = async (tree: Oid): Promise<TreeEntry[]> => {
      const [object] = await forge.store.read([tree]);
      const entries = readTree(object?.body ?? new Uint8Array(), oidBytesIn(format));
      return (await Promise.all(entries.map((entry) => (entry.mode === MODE_DIR ? filesBelow(entry.oid) : [entry])))).flat();
    };

    const FULL = ['kv', NS, 'index', 'cf', 'g:'];
    const layouts: [string, string, (tree: Oid) => Promise<Oid>][] = [
      [
        'a directory that is not split and must be',
        'has more pointers than',
        (tree) =>
          at(tree, FULL, async (entries) =>
            (await Promise.all(entries.map((entry) => (entry.mode === MODE_DIR ? filesBelow(entry.oid) : [entry])))).flat(),
          ),
      ],
      [
        'a pointer that is not handed down',
        'keeps a pointer',
        (tree) =>
          at(tree, FULL, async (entries) => {
            const dir = entries.find(({ mode }) => mode === MODE_DIR) as TreeEntry;
            const [first, ...others] = await filesBelow(dir.oid);
            return [...entries.filter((entry) => entry !== dir), { ...dir, oid: await forge.tree(others) }, first as TreeEntry];
          }),
      ],
      [
        'a directory that is split without need',
        'too few pointers',
        (tree) =>
          at(tree, [...FULL, '10'], async (entries) => {
            const long = entries.filter(({ name }) => name.length === 'cfg:1000.ref'.length);
            const down = long.map(async (entry) => ({
              mode: MODE_DIR,
              name: entry.name.slice(6, 8),
              oid: await forge.tree([entry]),
            }));
            return [...entries.filter((entry) => !long.includes(entry)), ...(await Promise.all(down))];
          }),
      ],
      [
        'an empty directory',
        'is an empty directory',
        (tree) => at(tree, FULL, async (entries) => [...entries, { mode: MODE_DIR, name: 'zz', oid: await emptyTree(forge) }]),
      ],
      [
        'a directory that has no place there',
        'has no place there',
        (tree) =>
          at(tree, FULL, async (entries) => [...entries, { mode: MODE_DIR, name: '\u001b[', oid: await emptyTree(forge) }]),
      ],
    ];
    for (const [what, says, change] of layouts) {
      it(`refuses a transaction whose index has ${what}`, async () => {
        const before = await gateway.refs();
        const ran = await laidOut(change);
        const rejection = rejectionIn(ran.stderr);
        expect(rejection?.code, ran.stderr).to.equal('ATTESTATION_MISMATCH');
        expect(rejection?.message).to.contain(says);
        expect((await gateway.refs()).get('refs/kv/main')).to.equal(before.get('refs/kv/main'));
      });
    }

    const lies: [string, [string, string, Uint8Array][]][] = [
      ['a tombstone for a key that it doesn’t touch', [['cfg:7', '100755', encodePointer(tombstone('cfg:7'))]]],
      ['a pointer for a key that isn’t there', [['ghost:x', '100644', utf8('{}')]]],
      ['another mode for a key that it doesn’t touch', [['cfg:8', '100755', utf8('{}')]]],
      ['something else for the key that it sets', [['cfg:honest', '100644', utf8('{}')]]],
    ];
    for (const [what, pointers] of lies) {
      it(`refuses a transaction whose index has ${what}`, async () => {
        const before = await gateway.refs();
        const ran = await withPointers(pointers);
        expect(ran.code, ran.stderr).to.not.equal(0);
        expect(rejectionIn(ran.stderr)?.code).to.equal('ATTESTATION_MISMATCH');
        expect((await gateway.refs()).get('refs/kv/main')).to.equal(before.get('refs/kv/main'));
      });
    }
  });
}
