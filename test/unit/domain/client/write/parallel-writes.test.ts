import { expect } from 'chai';
import { nodeHasher } from '../../../../../adapters/hasher-node/open.js';
import { fixedChunker } from '../../../../../adapters/chunker-fixed/open.js';
import { utf8 } from '../../../../../domain/git/bytes.js';
import { acknowledgedWrite } from '../../../../../domain/client/write/acknowledged-write.js';
import type { Clone } from '../../../../../domain/client/clone/clone.js';
import { newEpoch } from '../../../../../domain/client/epochs/new-epoch.js';
import { knownPolicy } from '../../../../../domain/client/clone/policy/known-policy.js';
import { newestTip } from '../../../../../domain/client/clone/tips.js';
import type { Receipt } from '../../../../../domain/client/write/receipt.js';
import { write } from '../../../../../domain/client/write/write.js';
import { indexRef, ledgerRef, POLICY_PATH, POLICY_REF, trackingRef } from '../../../../../domain/ledger/refs.js';
import { KvError } from '../../../../../ports/error.js';
import type { FetchRequest } from '../../../../../ports/git/git-remote.js';
import type { Policy } from '../../../../../ports/stargate/policy-reader.js';
import type { Oid, RefName, RefUpdate } from '../../../../../ports/vocabulary.js';
import { commit, files } from '../../../../contracts/git-objects.js';
import { memory, SeededRandomness, TestClock } from '../../../../support/memory/memory.js';
import { stubRemotes } from '../../../../support/stub-remotes.js';

const NS = 'main';

/** A Stargate whose objects are the clone's own, and a clone whose policy reader is counted. */
class Place {
  readonly gate = new Map<RefName, Oid>();
  readonly store = memory().store;
  parses = 0;
  /** How often the clone looked where its policy stands. */
  looks = 0;
  /** Called when a push arrives. */
  arriving: () => Promise<void> = async () => undefined;
  /** Called when a push has landed, before its writer hears of it. */
  landed: () => Promise<void> = async () => undefined;
  /** Called when a writer is about to note what landed. */
  noting: () => Promise<void> = async () => undefined;
  readonly clone: Clone;

  constructor() {
    const stubs = stubRemotes(() => new KvError('UNEXPECTED', 'a write has no use for this'), {
      remotes: {
        url: async () => 'gate',
        fetch: (_remote, _direction, requests) => this.fetch(requests),
        push: (_remote, updates) => this.push(updates),
        listRefs: async () => new Map(),
      },
      fetched: { markFetched: async () => undefined },
      stargate: {
        async hold() {
          throw new KvError('USAGE', "the Stargate has no verb 'turn'");
        },
      },
    });
    const store = new Proxy(this.store, {
      get: (target, name) => {
        if (name === 'refs') {
          return (patterns: readonly string[]) => {
            if (patterns.includes(POLICY_REF)) this.looks++;
            return target.refs(patterns);
          };
        }
        if (name === 'updateRefs') {
          return async (updates: readonly RefUpdate[], reason: string) => {
            const { noting } = this;
            this.noting = async () => undefined;
            await noting();
            return target.updateRefs(updates, reason);
          };
        }
        const value = Reflect.get(target, name) as unknown;
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    });
    this.clone = {
      ...{ store, ...stubs, clock: new TestClock(), hasher: nodeHasher(), remoteName: 'origin' },
      config: { get: () => undefined, all: () => [], names: () => [], identity: async () => 'Ada <ada@example.org>' },
      forWriting: async () => ({
        signer: { sign: async () => '-----BEGIN SSH SIGNATURE-----\nAAAA\n-----END SSH SIGNATURE-----\n' },
        hasher: nodeHasher(),
        randomness: new SeededRandomness(this.gate.size + 7),
        chunkerFor: async () => fixedChunker(5),
      }),
      policyReader: async () => ({
        parse: (text) => {
          this.parses++;
          return { version: 1, requireMirrorAckByDefault: false, namespaces: new Map(), readUrl: text } as unknown as Policy;
        },
      }),
    };
  }

  async publishPolicy(text: string): Promise<void> {
    const { root, objects } = files('sha1', { [POLICY_PATH]: text });
    const parent = this.gate.get(POLICY_REF);
    const made = commit('sha1', { tree: root, time: 1_700_000_000, parents: parent === undefined ? [] : [parent] });
    await this.store.write([...objects, made]);
    this.gate.set(POLICY_REF, made.oid);
  }

  set(key: string): Promise<Receipt> {
    return write(this.clone, { ns: NS, operations: [{ op: 'set', key, value: utf8(key) }] });
  }

  async fetch(requests: readonly FetchRequest[]): Promise<void> {
    const here = await this.store.refs(requests.map(({ localRef }) => localRef));
    const updates = requests.map(({ remoteRef, localRef }) => ({
      ...{ ref: localRef, old: here.get(localRef) ?? null, next: this.gate.get(remoteRef) ?? null },
    }));
    await this.store.updateRefs(
      updates.filter(({ old, next }) => old !== next),
      'fetch',
    );
  }

  private async push(updates: readonly RefUpdate[]): Promise<void> {
    await this.arriving();
    for (const { ref, old } of updates)
      if ((this.gate.get(ref) ?? null) !== old) throw new KvError('CAS_CONFLICT', `${ref} has moved`);
    for (const { ref, next } of updates) if (next !== null) this.gate.set(ref, next);
    const { landed } = this;
    this.landed = async () => undefined;
    await landed();
  }
}

describe('writes of one clone at the same time', () => {
  const tipsHere = async (place: Place): Promise<(Oid | undefined)[]> => {
    const names = [ledgerRef(NS), indexRef(NS)].flatMap((ref) => [ref, trackingRef('stargate', ref)]);
    const refs = await place.store.refs(names);
    return names.map((name) => refs.get(name));
  };
  const tipsThere = ({ gate }: Place): (Oid | undefined)[] =>
    [ledgerRef(NS), indexRef(NS)].flatMap((ref) => [gate.get(ref), gate.get(ref)]);

  for (const moment of ['landed', 'noting'] as const) {
    it(`keeps the newer of two when the other is told late (${moment})`, async () => {
      const place = new Place();
      await place.set('first');
      let newer: Receipt | undefined;
      place[moment] = async () => {
        newer = await place.set('newer');
      };
      const older = await place.set('older');
      expect(newer?.commit).to.be.a('string');
      expect(await tipsHere(place)).to.deep.equal(tipsThere(place));
      expect((await newestTip(place.clone, NS))?.ledger).to.equal(newer?.commit);
      expect([...older.warnings, ...(newer?.warnings ?? [])]).to.deep.equal([]);
    });
  }

  for (const moment of ['landed', 'noting'] as const) {
    it(`keeps a new epoch when a write of the one before is told late (${moment})`, async () => {
      const place = new Place();
      await place.set('first');
      place[moment] = async () => {
        await newEpoch(place.clone, NS, 'next');
      };
      await place.set('older');
      expect(await tipsHere(place)).to.deep.equal(tipsThere(place));
      expect((await newestTip(place.clone, NS))?.trailers.epoch).to.equal('next');
    });
  }

  it('begins an epoch although others write meanwhile, and only one of two', async () => {
    const place = new Place();
    await place.set('first');
    const written: (Oid | null)[] = [];
    const busy = async (): Promise<void> => {
      if (written.length === 3) return;
      place.arriving = async () => undefined;
      written.push((await place.set(`other ${written.length}`)).commit);
      place.arriving = busy;
    };
    place.arriving = busy;
    const { parentLedger } = await newEpoch(place.clone, NS, 'next');
    expect(written).to.have.length(3);
    expect(parentLedger).to.equal(written.at(-1));
    place.arriving = async () => {
      place.arriving = async () => undefined;
      await newEpoch(place.clone, NS, 'faster');
    };
    const slower = await newEpoch(place.clone, NS, 'slower').catch((error: KvError) => error.code);
    expect(slower).to.equal('CAS_CONFLICT');
    expect((await newestTip(place.clone, NS))?.trailers.epoch).to.equal('faster');
  });

  it('notes what landed although another command moves the refs meanwhile', async () => {
    const place = new Place();
    await place.set('first');
    place.noting = async () => {
      const [old] = await tipsHere(place);
      await place.store.updateRefs([{ ref: ledgerRef(NS), old: old ?? null, next: null }], 'another command');
    };
    await place.set('second');
    expect(await tipsHere(place)).to.deep.equal(tipsThere(place));
  });
});

describe('a clone whose refs something holds', () => {
  it('says of what has landed that they do not show it yet, and shows it later', async () => {
    const place = new Place();
    await place.set('first');
    const held = async (): Promise<void> => {
      place.noting = held;
      throw new KvError('CAS_CONFLICT', 'a lock is in the way');
    };
    place.noting = held;
    const receipt = await place.set('second');
    expect(receipt.commit).to.equal(place.gate.get(ledgerRef(NS)));
    expect(receipt.warnings).to.have.length(1);
    expect(receipt.warnings[0]).to.match(/has landed, but something holds this clone's own refs/);
    place.noting = async () => undefined;
    expect((await place.set('third')).warnings).to.deep.equal([]);
    expect((await newestTip(place.clone, NS))?.ledger).to.equal(place.gate.get(ledgerRef(NS)));
  });
});

describe('the policy that a clone knows', () => {
  it('is parsed once for a write, and again only when a fetch has brought another', async () => {
    const place = new Place();
    await place.publishPolicy('one');
    await acknowledgedWrite(place.clone, { ns: NS, operations: [{ op: 'set', key: 'a', value: utf8('1') }], timeoutMs: 1 });
    expect(place.parses).to.equal(1);
    place.looks = 0;
    await acknowledgedWrite(place.clone, { ns: NS, operations: [{ op: 'set', key: 'a', value: utf8('2') }], timeoutMs: 1 });
    expect(place.parses).to.equal(1);
    expect(place.looks, 'refs are read once for a write and for whether to wait').to.equal(1);
    await place.publishPolicy('two');
    expect((await knownPolicy(place.clone))?.readUrl).to.equal('one');
    await place.fetch([{ remoteRef: POLICY_REF, localRef: trackingRef('mirror', POLICY_REF) }]);
    expect((await knownPolicy(place.clone))?.readUrl).to.equal('two');
    expect(place.parses).to.equal(2);
  });

  it('is the new one for a write that has lost a race', async () => {
    const place = new Place();
    await place.publishPolicy('one');
    await place.set('first');
    await place.publishPolicy('two');
    const { remotes } = place.clone;
    let lost = false;
    const racing: Clone = {
      ...place.clone,
      remotes: {
        ...remotes,
        push: async (...args) => {
          if (lost) return remotes.push(...args);
          lost = true;
          throw new KvError('CAS_CONFLICT', 'the ledger has moved');
        },
      },
    };
    await write(racing, { ns: NS, operations: [{ op: 'set', key: 'b', value: utf8('1') }] });
    expect(place.parses).to.equal(2);
  });
});
