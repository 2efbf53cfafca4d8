import { expect } from 'chai';
import { lacking } from '../../../adapters/remote-memory/lacking.js';
import { newEpoch } from '../../../domain/client/epochs/new-epoch.js';
import { verifyClone } from '../../../domain/client/verify/verify.js';
import { write } from '../../../domain/client/write/write.js';
import { utf8 } from '../../../domain/git/bytes.js';
import { decodeCommit } from '../../../domain/git/commit.js';
import { REPOSITORY_ID_PATH } from '../../../domain/ledger/repository-id.js';
import type { GitStore } from '../../../ports/git/git-store.js';
import { parseLedgerMessage } from '../../../domain/ledger/transaction/attestation.js';
import { fetchNamespace } from '../../../domain/client/remote/fetch-namespace.js';
import { failure, rejectionIn } from '../../support/failure.js';
import { type MemoryClient, openMemoryClient } from '../../support/memory/client.js';
import { MemoryForge } from '../../support/memory/forge.js';
import { MemoryGateway } from '../../support/memory/gateway.js';
import { MemoryPeople } from '../../support/memory/people.js';
import { forgeRollover } from '../forge-rollover.js';
import type { Forged, Forgery } from '../forger.js';

const WRITERS = ['ada', 'bob'];
/** A policy of before repositories had ids. */
const lenient = (text: string): string => text.replace('require_repository_id: true', 'require_repository_id: false');
const FIRST = { base: { ledger: null, index: null, chunks: null, epoch: '2026Q1', parentEpoch: null } } as const;

for (const format of ['sha1', 'sha256'] as const) {
  describe(`what was signed for one Stargate, carried to another (${format})`, () => {
    const people = new MemoryPeople();
    let staging: MemoryGateway;
    let production: MemoryGateway;
    /** Builds for staging, and pushes to production. */
    let forge: MemoryForge;
    const open: MemoryGateway[] = [];
    const start = async (policy: (text: string) => string = (text) => text): Promise<MemoryGateway> => {
      const gateway = await MemoryGateway.start({ format, writers: WRITERS, people, policy });
      open.push(gateway);
      return gateway;
    };
    beforeEach(async () => {
      staging = await start();
      production = await start();
      forge = new MemoryForge(production, 'ada');
    });
    afterEach(async () => {
      await forge.close();
      for (const gateway of open.splice(0)) await gateway.close();
    });

    const refused = async (forged: Forged, says: string, options: { first?: boolean; person?: string }): Promise<void> => {
      const before = await forge.gateway.refs();
      const ran = await forge.send(forged, options);
      const rejection = rejectionIn(ran.stderr);
      expect(rejection?.code, ran.stderr).to.equal('POLICY_VIOLATION');
      expect(rejection?.message).to.contain(says);
      expect(await forge.gateway.refs()).to.deep.equal(before);
    };
    const taken = async (forged: Forged, options: { first?: boolean; person?: string }): Promise<void> => {
      const ran = await forge.send(forged, options);
      expect(ran.code, ran.stderr).to.equal(0);
    };
    const first = (change: Partial<Forgery> = {}): Promise<Forged> => forge.forge({ ...FIRST, ...change });

    it('is refused where everything else fits, by whoever it is pushed', async () => {
      const stolen = await first({ repository: staging.repositoryId });
      for (const person of WRITERS) await refused(stolen, `for repository ${staging.repositoryId}`, { first: true, person });
      await taken(await first(), { first: true });
      await refused(await forge.forge({ repository: staging.repositoryId }), `this is ${production.repositoryId}`, {});
    });

    it('is refused under a policy of before, too: only what names none is taken', async () => {
      await forge.close();
      production = await start(lenient);
      forge = new MemoryForge(production, 'ada');
      await refused(await first({ repository: staging.repositoryId }), 'for repository', { first: true });
      await taken(await first({ repository: null }), { first: true, person: 'bob' });
      await taken(await forge.forge({ repository: null }), { person: 'bob' });
      await taken(await forge.forge(), {});
    });

    it('is refused when it names none, where each must', async () => {
      await taken(await first(), { first: true });
      await refused(await forge.forge({ repository: null }), 'names no repository', {});
    });

    it('a ledger that was begun before it had a Stargate is brought by whoever signed it, and by nobody else', async () => {
      const begun = await first({ repository: null });
      await refused(begun, 'names no repository', { first: true, person: 'bob' });
      await taken(begun, { first: true, person: 'ada' });
      await refused(await forge.forge({ repository: null }), 'names no repository', { person: 'ada' });
    });

    it('a new epoch is for one repository, too', async () => {
      await taken(await first(), { first: true });
      for (const [repository, says] of [
        [staging.repositoryId, 'for repository'],
        [null, 'names no repository'],
      ] as const) {
        const { specs } = await forgeRollover(forge, { repository });
        const ran = await forge.push(['push', '--atomic', forge.pushUrl, ...specs]);
        expect(rejectionIn(ran.stderr)?.message, ran.stderr).to.contain(says);
      }
      const { specs } = await forgeRollover(forge);
      const ran = await forge.push(['push', '--atomic', forge.pushUrl, ...specs]);
      expect(ran.code, ran.stderr).to.equal(0);
    });

    for (const name of ['x', 'A'.repeat(32), '0'.repeat(31), '0'.repeat(33), '-'])
      it(`the name ${name} is none`, async () => {
        const named = await first({
          ledger: (commit) => ({ ...commit, message: commit.message.replace(/^KV-Repository: .*$/m, `KV-Repository: ${name}`) }),
        });
        const ran = await forge.send(named, { first: true });
        expect(rejectionIn(ran.stderr)?.code, ran.stderr).to.equal('ATTESTATION_MISMATCH');
      });
  });

  describe(`clients and the repository that they write to (${format})`, () => {
    let gateway: MemoryGateway;
    let ada: MemoryClient;
    const start = async (policy?: (text: string) => string): Promise<void> => {
      gateway = await MemoryGateway.start({ format, writers: WRITERS, ...(policy === undefined ? {} : { policy }) });
      ada = await openMemoryClient(gateway, 'ada');
    };
    afterEach(async () => {
      await ada.close();
      await gateway.close();
    });
    const put = (value: string) =>
      write(ada.clone, { ns: 'main', operations: [{ op: 'set', key: 'k', value: utf8(value), ctype: 'text/plain' }] });
    const named = async (oid: string | null): Promise<string | null> => {
      const [object] = await gateway.store.read([oid ?? '']);
      return parseLedgerMessage(decodeCommit(object?.body ?? new Uint8Array(), '', format).message, '').repository;
    };

    it('name it in each transaction, and when an epoch begins', async () => {
      await start();
      for (const value of ['1', '2']) expect(await named((await put(value)).commit)).to.equal(gateway.repositoryId);
      expect(await named((await newEpoch(ada.clone, 'main', 'later')).commit)).to.equal(gateway.repositoryId);
      expect(await named((await put('3')).commit)).to.equal(gateway.repositoryId);
      await fetchNamespace(ada.clone, 'main', 'stargate');
      expect((await verifyClone(ada.clone, ada.verifier, { ns: 'main', full: true })).faults).to.deep.equal([]);
    });

    it('sign nothing for a repository that is not that of the ledger', async () => {
      await start(lenient);
      const other = 'f'.repeat(32);
      await put('1');
      const { cache: _none, ...uncached } = ada.clone; // nor in its cache
      const { store } = uncached;
      // As if what is published were another Stargate's.
      const readPaths: GitStore['readPaths'] = async (root, paths) =>
        (await store.readPaths(root, paths)).map((one, i) =>
          paths[i] === REPOSITORY_ID_PATH && one !== null ? { ...one, body: utf8(`${other}\n`) } : one,
        );
      const clone = {
        ...uncached,
        store: Object.assign(Object.create(store) as GitStore, { readPaths }),
        config: { ...ada.clone.config }, // nothing is remembered under it
      };
      const operations = [{ op: 'set', key: 'k', value: utf8('2'), ctype: 'text/plain' } as const];
      const error = await failure(write(clone, { ns: 'main', operations }), 'ATTESTATION_MISMATCH');
      expect(error.message).to.contain(other).and.to.contain(gateway.repositoryId);
    });

    it('a ledger that mixes repositories is a fault, and the published id says which commit is wrong', async () => {
      await start(lenient);
      await put('1');
      await fetchNamespace(ada.clone, 'main', 'stargate');
      const forge = new MemoryForge(gateway, 'ada');
      const base = await forge.base();
      const [none, other] = [
        await forge.forge({ base, repository: null }),
        await forge.forge({ base, repository: 'e'.repeat(32) }),
      ];
      const { store } = ada.clone;
      const move = async (forged: Forged): Promise<void> => {
        await store.write(await lacking(forge.store, store, [forged.ledger, forged.index], format));
        const names = [
          'refs/kv-tracking/stargate/kv/main',
          'refs/kv-tracking/stargate/kv-index/main',
          'refs/kv/main',
          'refs/kv-index/main',
        ];
        const at = await store.refs(names);
        const moves = names.map((ref) => ({
          ref,
          old: at.get(ref) ?? null,
          next: ref.includes('index') ? forged.index : forged.ledger,
        }));
        await store.updateRefs(moves, 'forged');
      };
      await move(none);
      expect(
        (await verifyClone(ada.clone, ada.verifier, { ns: 'main', full: false })).faults.map(({ what }) => what),
      ).to.deep.equal([]);
      await move(other);
      const { faults } = await verifyClone(ada.clone, ada.verifier, { ns: 'main', full: false });
      expect(faults).to.have.length(1);
      expect(faults[0]).to.include({ code: 'ATTESTATION_MISMATCH', commit: other.ledger });
      expect(faults[0]?.what).to.contain(`for repository ${'e'.repeat(32)}, and this is ${gateway.repositoryId}`);
      await forge.close();
    });
  });
}
