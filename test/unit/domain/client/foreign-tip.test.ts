import { expect } from 'chai';
import { placeNamed } from '../../../../adapters/remote-memory/open.js';
import { chunksTip } from '../../../../domain/client/clone/chunks-tip.js';
import { diffStates } from '../../../../domain/client/history/diff.js';
import { keyHistory } from '../../../../domain/client/history/history.js';
import { readKey } from '../../../../domain/client/read/read.js';
import { waitForMirror } from '../../../../domain/client/remote/wait.js';
import { exportSnapshot } from '../../../../domain/client/transfer/export-snapshot.js';
import { verifyClone } from '../../../../domain/client/verify/verify.js';
import { Watch } from '../../../../domain/client/watch/watch.js';
import { listKeys } from '../../../../domain/client/read/list.js';
import { write } from '../../../../domain/client/write/write.js';
import { decodeUtf8, utf8 } from '../../../../domain/git/bytes.js';
import { decodeCommit, encodeCommit } from '../../../../domain/git/commit.js';
import { namerOf } from '../../../../domain/client/clone/clone.js';
import { chunksRef, ledgerRef, trackingRef } from '../../../../domain/ledger/refs.js';
import { commitOn } from '../../../../domain/ledger/transaction/transaction.js';
import { newestTip, type ReadFrom } from '../../../../domain/client/clone/tips.js';
import type { Oid } from '../../../../ports/vocabulary.js';
import { all } from '../../../support/all.js';
import { failure } from '../../../support/failure.js';
import { type MemoryClient, openMemoryClient } from '../../../support/memory/client.js';
import { MemoryGateway } from '../../../support/memory/gateway.js';

const NS = 'main';
const REF = ledgerRef(NS);

describe('a commit that somebody pushed to the mirror past the Stargate', () => {
  let gateway: MemoryGateway;
  let ada: MemoryClient;
  let foreign: Oid;
  /** The mirror as it is with that commit, and as it was. */
  let pushPast: () => void;
  let repair: () => void;
  beforeEach(async () => {
    gateway = await MemoryGateway.start({ format: 'sha1', writers: ['ada'] });
    ada = await openMemoryClient(gateway, 'ada');
    await set('one', '1');
    await gateway.mirrored();
    const tip = (await gateway.refs()).get(REF) ?? '';
    const namer = namerOf(ada.clone);
    const [tipObject] = await gateway.store.read([tip]);
    const { tree } = decodeCommit(tipObject?.body ?? utf8(''), tip, 'sha1');
    const commit = commitOn({ identity: 'mallory <m@example.org>', now: 0 }, tip, tree, 'quick fix\n');
    const object = namer.object('commit', encodeCommit(commit, namer.format));
    foreign = object.oid;
    const side = placeNamed(gateway.name).read;
    if (side === null) throw new Error('a gateway was expected to have a mirror');
    pushPast = () => {
      placeNamed(gateway.name).read = {
        refs: async () => new Map([...(await side.refs()), [REF, foreign]]),
        read: async (oids) => {
          const found = await side.read(oids);
          return oids.map((oid, i) => (oid === foreign ? object : (found[i] ?? null)));
        },
      };
    };
    repair = () => {
      placeNamed(gateway.name).read = side;
    };
    pushPast();
  });
  afterEach(async () => {
    await ada.close();
    await gateway.close();
  });

  const set = (key: string, text: string) =>
    write(ada.clone, { ns: NS, operations: [{ op: 'set', key, value: utf8(text), ctype: 'text/plain' }] });
  const get = async (readFrom: ReadFrom, offline = false): Promise<string | undefined> => {
    const { value } = await readKey(ada.clone, { ns: NS, key: 'one', allowExpired: false, readFrom, offline });
    return decodeUtf8(value as Uint8Array);
  };

  it('fails a read from the mirror by its name, and says where to read', async () => {
    const error = await failure(get('mirror'), 'ATTESTATION_MISMATCH');
    expect(error.message).to.contain(`the mirror has ${REF} at ${foreign}`);
    expect([error.advice?.id, error.details]).to.deep.equal(['read-past-mirror', { side: 'mirror', ref: REF, oid: foreign }]);
    await failure(get('mirror', true), 'ATTESTATION_MISMATCH');
    const listing = listKeys(ada.clone, {
      ns: NS,
      prefix: '',
      long: false,
      allowExpired: false,
      readFrom: 'mirror',
      offline: false,
    });
    await failure(all(listing), 'ATTESTATION_MISMATCH');
  });

  it('is told in the same words by whatever else reads the mirror', async () => {
    const NEWS = new RegExp(
      `^the mirror has ${REF} at ${foreign}, which is no ledger commit \\(.+\\): somebody pushed past the Stargate$`,
    );
    const { clone, verifier } = ada;
    const fresh = { ns: NS, readFrom: 'mirror', offline: false } as const;
    const oid = (await gateway.refs()).get(REF) ?? '';
    const reads: Record<string, () => Promise<unknown>> = {
      watch: () => all(new Watch(clone, { ns: NS, readFrom: 'mirror', once: true })),
      'watch since': () => all(new Watch(clone, { ns: NS, readFrom: 'mirror', since: oid, once: true })),
      history: () => all(keyHistory(clone, { ...fresh, key: 'one', epochs: true })),
      snapshot: () => all(exportSnapshot(clone, { ...fresh, prefix: '', provenance: false, files: null })),
      diff: () => diffStates(clone, { ...fresh, from: oid, prefix: '' }),
      wait: () => waitForMirror(clone, { ns: NS, oid, timeoutMs: 5000 }),
    };
    for (const [name, read] of Object.entries(reads)) {
      const error = await failure(read(), 'ATTESTATION_MISMATCH');
      expect(error.message, name).to.match(NEWS);
      expect(error.advice?.id, name).to.equal('read-past-mirror');
    }
    const { faults } = await verifyClone(clone, verifier, { ns: NS, full: false });
    expect(faults.map(({ what }) => what).filter((what) => NEWS.test(what))).to.have.length(1);
  });

  it('is passed over among chunks too by what builds on them, and named where the mirror is read', async () => {
    const ref = chunksRef(NS, (await newestTip(ada.clone, NS))?.trailers.epoch ?? '');
    const [epoch = ''] = ref.split('@').slice(1);
    const chunk = (at: number) => Uint8Array.from({ length: 150_000 }, (_, i) => (i * 7 + (i >> 8) * at) & 0xff);
    const setLarge = (at: number) =>
      write(ada.clone, {
        ns: NS,
        operations: [{ op: 'set', key: 'large', value: chunk(at), ctype: 'application/octet-stream' }],
        maxInline: 1000,
      });
    repair();
    await setLarge(1);
    const chunks = (await gateway.refs()).get(ref) ?? '';
    const namer = namerOf(ada.clone);
    const [object] = await gateway.store.read([chunks]);
    const { tree } = decodeCommit(object?.body ?? utf8(''), chunks, 'sha1');
    const past = commitOn({ identity: 'mallory <m@example.org>', now: 0 }, chunks, tree, 'quick fix\n');
    const commit = namer.object('commit', encodeCommit(past, namer.format));
    await ada.clone.store.write([commit]);
    await ada.clone.store.updateRefs([{ ref: trackingRef('mirror', ref), old: null, next: commit.oid }], 'fetched');
    expect((await chunksTip(ada.clone, NS, epoch))?.commit).to.equal(chunks);
    expect((await setLarge(2)).landed).to.equal('stargate');
    const error = await failure(chunksTip(ada.clone, NS, epoch, 'mirror'), 'ATTESTATION_MISMATCH');
    expect(error.message).to.contain(`the mirror has ${ref} at ${commit.oid}, which is no chunks commit`);
  });

  it('is passed over by a read from the Stargate, and by a write, which warns of it', async () => {
    await failure(get('mirror'), 'ATTESTATION_MISMATCH');
    expect([await get('stargate'), await get('stargate', true)]).to.deep.equal(['1', '1']);
    const { landed, retries, warnings } = await set('two', '2');
    expect([landed, retries]).to.deep.equal(['stargate', 0]);
    expect(warnings.filter((text) => text.includes(foreign))).to.have.length(1);
  });

  it('leaves nothing behind once the operator has put the mirror right', async () => {
    await failure(get('mirror'), 'ATTESTATION_MISMATCH');
    repair();
    expect((await set('two', '2')).landed).to.equal('stargate');
    await gateway.mirrored();
    expect(await get('mirror')).to.equal('1');
    expect((await set('three', '3')).warnings).to.deep.equal([]);
  });

  it('is no such thing at the Stargate, or in this clone: there it fails what reads that side', async () => {
    await failure(get('mirror'), 'ATTESTATION_MISMATCH');
    for (const ref of [trackingRef('stargate', REF), REF]) {
      const old = (await ada.clone.store.refs([ref])).get(ref) ?? null;
      await ada.clone.store.updateRefs([{ ref, old, next: foreign }], 'by hand');
      const error = await failure(get('stargate', true), 'ATTESTATION_MISMATCH');
      expect(error.advice).to.equal(undefined);
      await ada.clone.store.updateRefs([{ ref, old: foreign, next: old }], 'put back');
    }
  });
});
