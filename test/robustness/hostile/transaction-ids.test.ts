import { expect } from 'chai';
import type { Commit } from '../../../domain/git/commit.js';
import { newUlid } from '../../../domain/ledger/ulid.js';
import type { Base } from '../../../domain/ledger/transaction/transaction.js';
import { MemoryForge } from '../../support/memory/forge.js';
import { MemoryGateway } from '../../support/memory/gateway.js';
import { type Attack, attackedMemory, runAttacks } from '../attack.js';
import type { Forged, Forger } from '../forger.js';

const HOUR = 60 * 60 * 1000;
let made = 0;
/** An id of some time, unlike any other. */
const idAt = (time: number): string =>
  newUlid({ now: () => time, sleep: async () => undefined }, { bytes: (count) => new Uint8Array(count).fill(++made) });

const withId =
  (txn: string | (() => string)) =>
  async (forge: Forger): ReturnType<Attack['run']> =>
    forge.send(await forge.forge({ txn: typeof txn === 'string' ? txn : txn() }));
const idOf = async (forge: Forger, commit: string): Promise<string> =>
  /^KV-Txn: (.*)$/m.exec((await forge.opened(commit)).message)?.[1] ?? '';

/** A state to go on from that was not pushed yet. */
async function on(forge: Forger, forged: Forged, base: Base): Promise<Base> {
  const tip = async (commit: string) => ({ commit, tree: (await forge.opened(commit)).tree });
  return { ...base, ledger: await tip(forged.ledger), index: await tip(forged.index) };
}

const again =
  (back: number) =>
  async (forge: Forger): ReturnType<Attack['run']> => {
    let commit = (await forge.base()).ledger?.commit ?? '';
    for (let i = 0; i < back; i++) commit = (await forge.opened(commit)).parents[0] as string;
    return forge.send(await forge.forge({ txn: await idOf(forge, commit) }));
  };

const ATTACKS: readonly Attack[] = [
  { name: 'the id of the newest transaction again', code: 'TRANSACTION_REUSED', run: again(0) },
  { name: 'the id of the epoch’s first transaction again', code: 'TRANSACTION_REUSED', run: again(2) },
  {
    name: 'one id for two transactions of a push',
    code: 'TRANSACTION_REUSED',
    run: async (forge) => {
      const base = await forge.base();
      const one = await forge.forge({ base });
      const two = await forge.forge({ base: await on(forge, one, base), txn: await idOf(forge, one.ledger) });
      return forge.send(two);
    },
  },
  {
    name: 'an old id in the second transaction of a push',
    code: 'TRANSACTION_REUSED',
    run: async (forge) => {
      const base = await forge.base();
      const one = await forge.forge({ base });
      const txn = await idOf(forge, base.ledger?.commit ?? '');
      return forge.send(await forge.forge({ base: await on(forge, one, base), txn }));
    },
  },
  { name: 'an id of zeros', code: 'ATTESTATION_MISMATCH', says: '1970-01-01', run: withId('0'.repeat(26)) },
  { name: 'an id of the year 10889', code: 'ATTESTATION_MISMATCH', says: 'after the year', run: withId(`7${'Z'.repeat(25)}`) },
  {
    name: 'an id of the day after tomorrow',
    code: 'ATTESTATION_MISMATCH',
    says: 'here it is',
    run: withId(() => idAt(Date.now() + 25 * HOUR)),
  },
  {
    name: 'an id from before there was git-kv',
    code: 'ATTESTATION_MISMATCH',
    says: '2019-12-31',
    run: withId(() => idAt(Date.UTC(2020, 0) - 1)),
  },
  ...['8ZZZZZZZZZZZZZZZZZZZZZZZZZ', '01kdyf0000abcdefghjkmnpqrs', '01KDYF0000ABCDEFGHIKMNPQRS', '01KDYF0000', '0'.repeat(27)].map(
    (txn): Attack => ({ name: `${txn}, which is no ULID`, code: 'ATTESTATION_MISMATCH', says: 'no ULID', run: withId(txn) }),
  ),
];

for (const format of ['sha1', 'sha256'] as const) {
  describe(`ids of transactions that a gateway must refuse (${format})`, () => {
    let gateway: MemoryGateway;
    let forge: MemoryForge;
    const taken = async (txn: string, first = false): Promise<void> => {
      const ran = await forge.send(await forge.forge({ txn }), { first });
      expect(ran.code, ran.stderr).to.equal(0);
    };
    before(async () => {
      gateway = await MemoryGateway.start({ format, writers: ['ada', 'bob'] });
      forge = new MemoryForge(gateway, 'ada');
      await taken(idAt(Date.UTC(2020, 0)), true);
      await taken(idAt(Date.now() + 23 * HOUR));
      await taken(idAt(Date.now()));
    });
    after(async () => {
      await forge.close();
      await gateway.close();
    });

    runAttacks(ATTACKS, () => attackedMemory(forge));

    it('takes an honest one in between', () => taken(idAt(Date.now())));

    describe('after another gateway has taken over', () => {
      before(async () => {
        await gateway.mirrored();
        const restored = await gateway.backup();
        await gateway.close();
        gateway = await MemoryGateway.start({ format, writers: ['ada', 'bob'], restored });
        await forge.close();
        forge = new MemoryForge(gateway, 'ada');
      });
      runAttacks(ATTACKS.slice(0, 4), () => attackedMemory(forge));
    });

    it('a signed commit of another writer is not to be had twice, neither as it is nor on what came since', async () => {
      const old = await forge.base();
      const one = await forge.forge({ base: old, signer: 'ada' });
      expect((await forge.send(one)).code).to.equal(0);
      await taken(idAt(Date.now()));
      const commit: Commit = await forge.opened(one.ledger);
      const same = await forge.send(one, { person: 'bob' });
      expect(same.stderr).to.match(/REF_FORBIDDEN|CAS_CONFLICT/);
      const base = await forge.base();
      const moved = await forge.forge({
        base,
        txn: await idOf(forge, one.ledger),
        ledger: (theirs) => ({ ...theirs, signature: commit.signature }),
      });
      expect((await forge.send(moved, { person: 'bob' })).stderr).to.contain('SIGNATURE_INVALID');
    });
  });
}
