import { expect } from 'chai';
import { type DecisionLog, type Head, KvError } from '../../ports/index.js';

/** Several servers' views of one decision log. */
export interface DecisionLogBench {
  /** Another opening of the same log. */
  open(): Promise<DecisionLog>;
  /** A lease's fence that holds until it is lost. Absent where the log compares no lock. */
  fence?(): Promise<{ readonly fence: string; lose(): Promise<void> }>;
  dispose(): Promise<void>;
}

const REPOSITORY = 'team/config';

function headAt(sequence: number, term = 1): Head {
  return { sequence, term, digest: 'ab'.repeat(31) + String(sequence).padStart(2, '0'), members: ['one', 'two', 'three'] };
}

async function codeOf(attempt: Promise<unknown>): Promise<string | null> {
  const error = await attempt.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  return KvError.is(error) ? error.code : null;
}

/** What every decision log does. */
export function decisionLogContract(name: string, factory: () => Promise<DecisionLogBench>): void {
  describe(`decision-log contract: ${name}`, function () {
    this.timeout(20_000);
    let bench: DecisionLogBench;
    let one: DecisionLog;
    let two: DecisionLog;

    beforeEach(async () => {
      bench = await factory();
      one = await bench.open();
      two = await bench.open();
    });
    afterEach(async () => {
      await one.close();
      await two.close();
      await bench.dispose();
    });

    it('has decided nothing at first', async () => {
      expect(await one.read(REPOSITORY)).to.equal(null);
    });

    it('gives what was decided last, to everybody, as it was decided', async () => {
      const first = await one.decide(REPOSITORY, { head: headAt(0), after: null });
      expect(await two.read(REPOSITORY)).to.deep.equal({ head: headAt(0), revision: first });
      const second = await two.decide(REPOSITORY, { head: headAt(1, 2), after: first });
      expect(second).to.not.equal(first);
      expect(await one.read(REPOSITORY)).to.deep.equal({ head: headAt(1, 2), revision: second });
      expect(await (await bench.open()).read(REPOSITORY)).to.deep.equal({ head: headAt(1, 2), revision: second });
    });

    it('decides after the newest revision alone, and changes nothing otherwise', async () => {
      const first = await one.decide(REPOSITORY, { head: headAt(0), after: null });
      expect(await codeOf(two.decide(REPOSITORY, { head: headAt(1), after: null }))).to.equal('CAS_CONFLICT');
      const second = await two.decide(REPOSITORY, { head: headAt(1), after: first });
      expect(await codeOf(one.decide(REPOSITORY, { head: headAt(1), after: first }))).to.equal('CAS_CONFLICT');
      expect(await codeOf(one.decide(REPOSITORY, { head: headAt(1), after: null }))).to.equal('CAS_CONFLICT');
      expect(await two.read(REPOSITORY)).to.deep.equal({ head: headAt(1), revision: second });
    });

    it('lets one of many decisions after one revision be made', async () => {
      let after: string | null = null;
      for (let round = 0; round < 5; round++) {
        const logs = await Promise.all(Array.from({ length: 6 }, () => bench.open()));
        const tries = await Promise.all(
          logs.map((log, at) =>
            log.decide(REPOSITORY, { head: headAt(round, at + 1 + 10 * round), after }).catch((error: unknown) => error),
          ),
        );
        const made = tries.filter((result) => typeof result === 'string');
        expect(made).to.have.length(1);
        const refusals = tries.filter((result) => typeof result !== 'string');
        expect(refusals.map((error) => (KvError.is(error) ? error.code : error))).to.deep.equal(Array(5).fill('CAS_CONFLICT'));
        const newest = await one.read(REPOSITORY);
        expect(newest?.revision).to.equal(made[0]);
        after = newest?.revision ?? null;
        await Promise.all(logs.map((log) => log.close()));
      }
    });

    it('lets no older term decide', async () => {
      const claimed = await one.decide(REPOSITORY, { head: headAt(4, 7), after: null });
      expect(await codeOf(two.decide(REPOSITORY, { head: headAt(5, 6), after: claimed }))).to.equal('NOT_LEADER');
      await two.decide(REPOSITORY, { head: headAt(5, 7), after: claimed });
    });

    it('gives no revision twice, whatever is decided', async () => {
      const seen = new Set<string>();
      let after: string | null = null;
      for (let times = 0; times < 12; times++) {
        after = await one.decide(REPOSITORY, { head: headAt(3), after });
        expect(seen.has(after)).to.equal(false);
        seen.add(after);
      }
      await one.remove(REPOSITORY, after ?? '');
      expect(seen.has(await one.decide(REPOSITORY, { head: headAt(0), after: null }))).to.equal(false);
    });

    it('keeps repositories apart, however alike their names are', async () => {
      const names = [
        'a/b',
        'A/b',
        'a/b.c',
        'a/b-c',
        'a/b%2ec',
        'a.b',
        'a%2fb',
        'a/..b',
        'ä/ö',
        `${'l'.repeat(60)}/${'m'.repeat(60)}`,
      ];
      for (const [at, repository] of names.entries()) await one.decide(repository, { head: headAt(at), after: null });
      for (const [at, repository] of names.entries())
        expect((await two.read(repository))?.head, repository).to.deep.equal(headAt(at));
      expect(await codeOf(one.read(''))).to.equal('INPUT_INVALID');
    });

    it('forgets what is removed, as of the newest revision', async () => {
      const first = await one.decide(REPOSITORY, { head: headAt(0), after: null });
      const second = await one.decide(REPOSITORY, { head: headAt(1, 9), after: first });
      expect(await codeOf(two.remove(REPOSITORY, first))).to.equal('CAS_CONFLICT');
      await two.remove(REPOSITORY, second);
      expect(await one.read(REPOSITORY)).to.equal(null);
      expect(await codeOf(one.decide(REPOSITORY, { head: headAt(2, 9), after: second }))).to.equal('CAS_CONFLICT');
      await one.decide(REPOSITORY, { head: headAt(0, 1), after: null });
      expect((await two.read(REPOSITORY))?.head).to.deep.equal(headAt(0, 1));
    });

    it('decides nothing for a leader that has lost the lock, where it compares it', async () => {
      const log = one;
      if (bench.fence === undefined) return expect(log.capabilities.fenced).to.equal(false);
      expect(log.capabilities.fenced).to.equal(true);
      const { fence, lose } = await bench.fence();
      const first = await one.decide(REPOSITORY, { head: headAt(0), after: null, fence });
      await lose();
      expect(await codeOf(one.decide(REPOSITORY, { head: headAt(1), after: first, fence }))).to.equal('NOT_LEADER');
      expect(await codeOf(one.remove(REPOSITORY, first, fence))).to.equal('NOT_LEADER');
      const next = await bench.fence();
      await two.decide(REPOSITORY, { head: headAt(1, 2), after: first, fence: next.fence });
      return expect((await one.read(REPOSITORY))?.head).to.deep.equal(headAt(1, 2));
    });

    it('answers nothing once it is closed, and closes twice', async () => {
      await one.close();
      await one.close();
      expect(await codeOf(one.read(REPOSITORY))).to.equal('IO_ERROR');
      expect(await codeOf(one.decide(REPOSITORY, { head: headAt(0), after: null }))).to.equal('IO_ERROR');
      expect(await two.read(REPOSITORY)).to.equal(null);
    });
  });
}
