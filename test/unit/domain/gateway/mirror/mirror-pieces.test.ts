import { expect } from 'chai';
import type { Clone } from '../../../../../domain/client/clone/clone.js';
import { newEpoch } from '../../../../../domain/client/epochs/new-epoch.js';
import { readKey } from '../../../../../domain/client/read/read.js';
import { verifyClone } from '../../../../../domain/client/verify/verify.js';
import { write } from '../../../../../domain/client/write/write.js';
import { decodeUtf8, utf8 } from '../../../../../domain/git/bytes.js';
import type { Oid, RefName } from '../../../../../ports/vocabulary.js';
import { type MemoryClient, openMemoryClient } from '../../../../support/memory/client.js';
import { MemoryGateway } from '../../../../support/memory/gateway.js';
import { until } from '../../../../support/until.js';

const WATERMARK = 'refs/kv-mirror/main';

describe('what waits for a mirror that does not take all of it in one push', () => {
  let gateway: MemoryGateway;
  let ada: MemoryClient;
  /** The refs of the mirror after each push that has moved the ledger. */
  let shown: Map<RefName, Oid>[];
  beforeEach(async () => {
    gateway = await MemoryGateway.start({ format: 'sha1' });
    ada = await openMemoryClient(gateway, 'ada');
    shown = [];
    const { refs } = gateway.mirror;
    const set = refs.set.bind(refs);
    // The watermark is the last of a push.
    refs.set = (ref, oid) => {
      set(ref, oid);
      if (ref === WATERMARK) shown.push(new Map(refs));
      return refs;
    };
  });
  afterEach(async () => {
    await ada.close();
    await gateway.close();
  });

  const text = (i: number, bytes = 4000): string =>
    Array.from({ length: bytes / 4 }, (_, at) => ((i * 7919 + at) % 9973).toString(16)).join('');
  const set = (clone: Clone, key: string, value: string) =>
    write(clone, { ns: 'main', operations: [{ op: 'set', key, value: utf8(value), ctype: 'text/plain' }] });
  const atMirror = async (key: string): Promise<string | undefined> => {
    const request = { ns: 'main', key, allowExpired: false, readFrom: 'mirror', offline: false } as const;
    return decodeUtf8((await readKey(ada.clone, request)).value as Uint8Array);
  };
  /** Each state that the mirror has shown is whole: a fresh clone of it verifies. */
  const allSound = async (): Promise<void> => {
    for (const refs of shown) {
      const bob = await openMemoryClient(gateway, 'ada');
      const found = await gateway.store.read([...refs.values()]);
      expect(found.every((object) => object !== null)).to.equal(true);
      const commits = [refs.get('refs/kv/main'), refs.get(WATERMARK)];
      expect(commits[0]).to.equal(commits[1]);
      await bob.clone.remotes.fetchObjects('origin', 'read', [...refs.values()]);
      await bob.clone.store.updateRefs(
        [...refs].map(([ref, next]) => ({ ref: ref.replace('refs/', 'refs/kv-tracking/mirror/'), old: null, next })),
        'as it was',
      );
      const { faults } = await verifyClone(bob.clone, bob.verifier, { ns: 'main', full: true });
      expect(faults).to.deep.equal([]);
      await bob.close();
    }
  };

  it('comes in pieces, each a state that there was, and all of it in the end', async () => {
    await set(ada.clone, 'first', '1');
    await gateway.mirrored();
    gateway.mirror.away = true;
    for (let i = 0; i < 9; i++) await set(ada.clone, `key-${i}`, text(i));
    gateway.mirror.maxBytes = 25_000;
    shown.length = 0;
    gateway.mirror.away = false;
    await gateway.mirrored();
    expect(await atMirror('key-8')).to.equal(text(8));
    expect(shown.length).to.be.within(2, 6);
    await allSound();
    expect((await gateway.refs()).get(WATERMARK)).to.equal(gateway.mirror.refs.get(WATERMARK));
    expect(gateway.status.refused.size).to.equal(0);
    shown.length = 0; // and in one from then on
    await set(ada.clone, 'last', '1');
    await gateway.mirrored();
    expect(shown).to.have.length(1);
  });

  it('comes in pieces too where one push has brought many transactions', async () => {
    await gateway.mirrored();
    gateway.mirror.maxBytes = 25_000;
    const alone: Clone = { ...ada.clone, remotes: { ...ada.clone.remotes, url: async () => null } };
    for (let i = 0; i < 8; i++) await set(alone, `key-${i}`, text(i));
    await set(ada.clone, 'pushed', '1');
    await gateway.mirrored();
    expect(await atMirror('key-3')).to.equal(text(3));
    expect(shown.length).to.be.within(2, 6);
    await allSound();
  });

  it('stands before one transaction that is too much by itself, which status names, and goes on behind it later', async () => {
    await set(ada.clone, 'first', '1');
    await gateway.mirrored();
    gateway.mirror.away = true;
    await set(ada.clone, 'small', '2');
    const { commit } = await set(ada.clone, 'large', text(1, 100_000));
    await set(ada.clone, 'behind', '3');
    gateway.mirror.maxBytes = 25_000;
    gateway.mirror.away = false;
    await until(
      'status names it',
      () => gateway.status.refused.get('main')?.message.includes(`ledger commit ${commit} of namespace main`) === true,
    );
    expect(gateway.status.refused.get('main')?.code).to.equal('GIT_ERROR');
    expect([await atMirror('small'), gateway.status.backlog]).to.deep.equal(['2', 2]);
    gateway.mirror.maxBytes = Number.POSITIVE_INFINITY;
    await gateway.sync({ mode: 'repair' });
    await gateway.mirrored();
    expect(await atMirror('behind')).to.equal('3');
    await allSound();
  });

  it('begins an epoch at the mirror as it did here', async () => {
    await set(ada.clone, 'first', '1');
    await gateway.mirrored();
    gateway.mirror.away = true;
    for (let i = 0; i < 3; i++) await set(ada.clone, `key-${i}`, text(i));
    await newEpoch(ada.clone, 'main', 'second');
    for (let i = 3; i < 6; i++) await set(ada.clone, `key-${i}`, text(i));
    gateway.mirror.maxBytes = 25_000;
    shown.length = 0;
    gateway.mirror.away = false;
    await gateway.mirrored();
    expect(await atMirror('key-5')).to.equal(text(5));
    expect(shown.length).to.be.above(1);
    expect([...gateway.mirror.refs].filter(([ref]) => ref.startsWith('refs/kv'))).to.have.deep.members(
      [...(await gateway.refs())].filter(([ref]) => ref.startsWith('refs/kv')),
    );
  });
});
