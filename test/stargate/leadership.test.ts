import { getEventListeners } from 'node:events';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import { openFlockLock } from '../../adapters/lock-flock/open.js';
import { type Leadership, type Reversible, startLeadership } from '../../apps/stargate/leader/leadership.js';
import { KvError } from '../../ports/error.js';
import type { LeaderLock, Lease } from '../../ports/stargate/leader-lock.js';
import { SILENT } from '../support/silent-log.js';
import { type Temporary, temporaryFolder } from '../support/temporary.js';

interface Trial extends Reversible {
  readonly number: number;
}

describe('stargate: leadership', () => {
  let folder: Temporary;
  let path: string;
  let lock: LeaderLock;
  let said: string[];
  let leases: Lease[];
  let leadership: Leadership<Trial> | undefined;
  /** What the next take-over fails with. */
  let fault: KvError | undefined;

  beforeEach(async () => {
    folder = await temporaryFolder();
    path = join(folder.path, 'leader.lock');
    lock = await openFlockLock({ path });
    [said, leases, leadership, fault] = [[], [], undefined, undefined];
  });
  afterEach(async () => {
    await leadership?.stop();
    await lock.close();
    await folder.remove();
  });

  const takeOver = async (lease: Lease): Promise<Trial> => {
    if (fault !== undefined) throw fault;
    leases.push(lease);
    const number = leases.length;
    said.push(`over ${number}`);
    return {
      number,
      async stepDown() {
        said.push(`down ${number}`);
        await delay(5);
        said.push(`still ${number}`);
      },
    };
  };
  const start = async (interval: number): Promise<Leadership<Trial>> => {
    leadership = await startLeadership({ lock, name: 'one', takeOver, log: SILENT, interval });
    return leadership;
  };
  const until = async (condition: () => boolean): Promise<void> => {
    const deadline = performance.now() + 5000;
    while (!condition()) {
      if (performance.now() > deadline) throw new Error(`still not so: ${said.join(', ')}`);
      await delay(5);
    }
  };
  const codeOf = (work: Promise<unknown>): Promise<unknown> =>
    work.then(
      () => undefined,
      (error: unknown) => (KvError.is(error) ? error.code : error),
    );

  it('starts without room for its term, says why, and leads as soon as there is some', async () => {
    const why = new KvError('STORAGE_FULL', 'ENOSPC');
    const told = new KvError('STORAGE_FULL', 'the disk is full');
    fault = why;
    const failed: KvError[] = [];
    leadership = await startLeadership({
      ...{ lock, name: 'one', takeOver, log: SILENT, interval: 5 },
      failed: (error) => {
        failed.push(error);
        return told;
      },
    });
    const refused = await leadership.lead().catch((error: unknown) => error);
    expect([refused, failed[0], (await leadership.state()).leader]).to.deep.equal([told, why, false]);
    fault = undefined;
    await until(() => leadership?.current !== undefined);
    expect((await leadership.lead()).number).to.equal(1);
  });

  it('begins and ends a term each time that the lease is won and lost, and leaves nothing of it', async () => {
    const one = await start(5);
    const timers = (): number => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
    const before = timers();
    for (let cycle = 1; cycle <= 20; cycle += 1) {
      expect((await one.lead()).number).to.equal(cycle);
      await rm(path); // whoever makes the file anew can lock it: the lease is lost
      await until(() => one.current?.number === cycle + 1);
      expect(said.slice(-4)).to.deep.equal([`over ${cycle}`, `down ${cycle}`, `still ${cycle}`, `over ${cycle + 1}`]);
      said = said.slice(-1);
    }
    expect(leases).to.have.length(21);
    const terms = leases.map(({ term }) => term);
    expect(terms).to.deep.equal([...new Set(terms)].sort((a, b) => a - b));
    const listening = leases.map(({ lost }) => getEventListeners(lost, 'abort').length);
    expect(listening).to.deep.equal([...Array.from({ length: 20 }, () => 0), 1]);
    expect(timers()).to.be.at.most(before + 1);
  });

  it('hears at once of a lease that says it is lost, and leads no more from then on', async () => {
    const one = await start(60_000);
    const [lease] = leases as [Lease];
    expect(await one.state()).to.deep.equal({ leader: true, holder: 'one', term: lease.term });
    const other = await openFlockLock({ path });
    await rm(path);
    const taken = await other.acquire('two');
    expect(await lease.held()).to.equal(false); // asked by a commit, say
    expect(said).to.deep.equal(['over 1', 'down 1']);
    expect(one.current).to.equal(undefined);
    expect(await codeOf(one.lead())).to.equal('NOT_LEADER');
    expect(await one.state()).to.deep.equal({ leader: false, holder: 'two', term: taken?.term });
    await until(() => said.includes('still 1'));
    await other.close();
  });

  it('keeps the lease until everything has stopped', async () => {
    const one = await start(60_000);
    const [lease] = leases as [Lease];
    const stopping = one.stop();
    expect(await lease.held()).to.equal(true);
    await stopping;
    expect(said).to.deep.equal(['over 1', 'down 1', 'still 1']);
    expect(await lease.held()).to.equal(false);
  });

  it('gives the lease up again when taking over fails, and tries anew', async () => {
    const one = await start(5);
    fault = new KvError('IO_ERROR', 'no disk');
    await rm(path);
    await until(() => said.includes('still 1'));
    await delay(50);
    expect(one.current).to.equal(undefined);
    fault = undefined;
    await until(() => one.current !== undefined);
    expect(said).to.deep.equal(['over 1', 'down 1', 'still 1', 'over 2']);
  });

  it('passes the first failure on, with the lease given up', async () => {
    fault = new KvError('JOURNAL_CORRUPT', 'line 7');
    expect(await codeOf(start(5))).to.equal('JOURNAL_CORRUPT');
    expect(await lock.holder()).to.equal(null);
  });

  it('ends a term at once that was lost while it was taken over', async () => {
    leadership = await startLeadership({
      ...{ lock, name: 'one', log: SILENT, interval: 60_000 },
      async takeOver(lease) {
        await rm(path);
        expect(await lease.held()).to.equal(false);
        return takeOver(lease);
      },
    });
    expect(said).to.deep.equal(['over 1', 'down 1', 'still 1']);
    expect(leadership.current).to.equal(undefined);
  });
});
