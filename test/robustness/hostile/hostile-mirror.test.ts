import { expect } from 'chai';
import { diffStates } from '../../../domain/client/history/diff.js';
import { listKeys } from '../../../domain/client/read/list.js';
import { readKey } from '../../../domain/client/read/read.js';
import { verifyClone } from '../../../domain/client/verify/verify.js';
import { write } from '../../../domain/client/write/write.js';
import { utf8 } from '../../../domain/git/bytes.js';
import { boundedReads } from '../../../domain/client/clone/calls/bounded-reads.js';
import type { Commit } from '../../../domain/git/commit.js';
import { MODE_DIR, MODE_FILE } from '../../../domain/git/tree/tree.js';
import { encodeLayout, LAYOUT_FILE } from '../../../domain/index/layout.js';
import { KvError } from '../../../ports/error.js';
import type { Oid } from '../../../ports/vocabulary.js';
import { all } from '../../support/all.js';
import { type MemoryClient, openMemoryClient } from '../../support/memory/client.js';
import { MemoryForge } from '../../support/memory/forge.js';
import { MemoryGateway } from '../../support/memory/gateway.js';
import { bomb, emptyTree } from '../bad-trees.js';

const NS = 'main';
const asked = { ns: NS, readFrom: 'mirror', offline: true, allowExpired: false } as const;
/** What each of these takes at the most, ms: a walk through what a mirror has made up would have no end. */
const SOON = 5000;

describe('hostile: what a mirror may serve', function () {
  this.timeout(20_000);
  let gateway: MemoryGateway;
  let ada: MemoryClient;
  let forge: MemoryForge;
  beforeEach(async () => {
    gateway = await MemoryGateway.start({ format: 'sha1' });
    ada = await openMemoryClient(gateway, 'ada');
    await write(ada.clone, { ns: NS, operations: [{ op: 'set', key: 'cfg:a', value: utf8('1') }] });
    forge = new MemoryForge(gateway, 'ada');
  });
  afterEach(async () => {
    await forge.close();
    await ada.close();
    await gateway.close();
  });

  /** Puts a transaction into the clone as though it had been fetched; nobody has looked at it. */
  async function served(change: Parameters<MemoryForge['forge']>[0]): Promise<void> {
    const made = await forge.forge(change);
    const objects = await forge.store.read(await reachable(made.ledger, made.index));
    await ada.clone.store.write(objects.flatMap((object) => (object === null ? [] : [object])));
    const refs = await ada.clone.store.refs(['refs/']);
    const moves = [
      ['refs/kv-tracking/mirror/kv/main', made.ledger],
      ['refs/kv-tracking/mirror/kv-index/main', made.index],
    ] as const;
    await ada.clone.store.updateRefs(
      moves.map(([ref, next]) => ({ ref, old: refs.get(ref) ?? null, next })),
      'served',
    );
  }

  /** The objects below commits, each once. */
  async function reachable(...tips: Oid[]): Promise<Oid[]> {
    const seen = new Set<Oid>();
    for (const waiting = [...tips]; waiting.length > 0; ) {
      const oid = waiting.pop() as Oid;
      const [object] = await forge.store.read([oid]);
      if (object === null || object === undefined || seen.has(oid)) continue;
      seen.add(oid);
      const text = Buffer.from(object.body).toString('latin1');
      if (object.type === 'commit')
        waiting.push(...[...text.matchAll(/^(?:tree|parent) ([0-9a-f]{40})$/gm)].map((match) => match[1] as Oid));
      if (object.type !== 'tree') continue;
      for (let at = 0; at < text.length; at = text.indexOf('\0', at) + 21) {
        const id = text.indexOf('\0', at) + 1;
        waiting.push(Buffer.from(text.slice(id, id + 20), 'latin1').toString('hex'));
      }
    }
    return [...seen];
  }

  /** What is thrown, as its code; in less time than a bomb takes. */
  async function refused(reading: Promise<unknown>): Promise<string> {
    const started = performance.now();
    const error = await reading.then(
      () => 'nothing',
      (thrown: unknown) => thrown,
    );
    expect(performance.now() - started).to.be.below(SOON);
    expect(KvError.is(error) && error.hint, String(error)).to.contain('not to be trusted');
    return KvError.is(error) ? error.code : String(error);
  }

  /** An index whose directories are one and the same, as deep as keys can be. */
  async function indexBomb(): Promise<Oid> {
    const layout = forge.namer.object('blob', encodeLayout());
    await forge.store.write([layout]);
    const pairs = await bomb(forge, 8, await emptyTree(forge));
    const [top] = await forge.store.read([pairs]);
    const index = forge.namer.object(
      'tree',
      Buffer.concat([
        top?.body ?? new Uint8Array(),
        Buffer.from(`${MODE_FILE} ${LAYOUT_FILE}\0`),
        Buffer.from(layout.oid, 'hex'),
      ]),
    );
    await forge.store.write([index]);
    const ns = await forge.tree([{ mode: MODE_DIR, name: 'index', oid: index.oid }]);
    const kv = await forge.tree([{ mode: MODE_DIR, name: NS, oid: ns }]);
    return forge.tree([{ mode: MODE_DIR, name: 'kv', oid: kv }]);
  }

  const withIndex = (tree: Oid) => ({
    ledger: (commit: Commit): Commit => ({
      ...commit,
      message: commit.message.replace(/^KV-Index-Tree: .*$/m, `KV-Index-Tree: ${tree}`),
    }),
    index: (commit: Commit): Commit => ({ ...commit, tree }),
  });

  it('an index bomb ends a list, and a verification says what is wrong', async () => {
    await served(withIndex(await indexBomb()));
    expect(await refused(all(listKeys(ada.clone, { ...asked, prefix: '', long: false })))).to.equal('ATTESTATION_MISMATCH');
    expect(await refused(all(listKeys(ada.clone, { ...asked, prefix: '00000000', long: false })))).to.equal(
      'ATTESTATION_MISMATCH',
    );
    for (const full of [false, true]) {
      const started = performance.now();
      const { faults } = await verifyClone(ada.clone, ada.verifier, { ns: NS, full });
      expect(performance.now() - started).to.be.below(SOON);
      expect(faults.map(({ what }) => what).join('\n')).to.contain('is the same directory as another one');
    }
  });

  it('a ledger bomb ends a diff', async () => {
    await served({ plant: [{ path: 'kv/main/data/00', tree: await bomb(forge, 3, await emptyTree(forge)) }] });
    const [from] = (await ada.clone.store.refs(['refs/kv/main'])).values();
    expect(await refused(diffStates(ada.clone, { ...asked, from: from as Oid, prefix: '' }))).to.equal('ATTESTATION_MISMATCH');
  });

  it('a value larger than any is not read, and the message names it', async () => {
    await served({ operations: [forge.set('cfg:a', new Uint8Array(3_000_000))] });
    const small = { ...ada.clone, store: boundedReads(ada.clone.store, '2MB') };
    expect(await refused(readKey(small, { ...asked, key: 'cfg:a' }))).to.equal('ATTESTATION_MISMATCH');
    const read = await readKey(small, { ...asked, key: 'cfg:a' }).catch((error: unknown) => error);
    expect(KvError.is(read) && read.message).to.match(/^blob [0-9a-f]{40} has 3000000 bytes, more than the 2000000/);
    const { faults } = await verifyClone(small, ada.verifier, { ns: NS, full: true });
    expect(faults.map(({ what }) => what).join('\n')).to.match(/object [0-9a-f]{40} is not read: blob/);
  });

  it('how large a value may be is configured', () => {
    expect(() => boundedReads(ada.clone.store, 'much')).to.throw(KvError, 'kv.maxObject');
  });
});
