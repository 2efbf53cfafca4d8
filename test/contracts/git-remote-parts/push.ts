import { expect } from 'chai';
import type { RefUpdate } from '../../../ports/vocabulary.js';
import { commit } from '../git-objects.js';
import { rejects } from '../git-store-parts/bench.js';
import { ATOMIC, create, fill, history, INDEX, MAIN, refsOf, type State, type Suite } from './bench.js';

/** What a push promises. */
export function pushContract({ format, states, everything, at, bench, remote }: Suite): void {
  describe('push', () => {
    beforeEach(() => bench().clone.write(everything));

    it('creates, moves and deletes refs at the write side alone, with what they reach', async () => {
      await remote().push('origin', [], ATOMIC);
      await remote().push('origin', [create(MAIN, at(0)), create(INDEX, at(0))], ATOMIC);
      expect(await refsOf(bench().writeSide)).to.deep.equal({ [INDEX]: at(0), [MAIN]: at(0) });
      await remote().push(
        'origin',
        [
          { ref: MAIN, old: at(0), next: at(2) },
          { ref: INDEX, old: at(0), next: null },
        ],
        ATOMIC,
      );
      expect(await refsOf(bench().writeSide)).to.deep.equal({ [MAIN]: at(2) });
      expect(await bench().writeSide.read(everything.map(({ oid }) => oid))).not.to.include(null);
      expect(await refsOf(bench().mirror)).to.deep.equal({});
    });

    it('moves a ref anywhere from where it is expected', async () => {
      await remote().push('origin', [create(MAIN, at(2))], ATOMIC);
      await remote().push('origin', [{ ref: MAIN, old: at(2), next: at(0) }], ATOMIC);
      expect(await refsOf(bench().writeSide)).to.deep.equal({ [MAIN]: at(0) });
    });

    it('succeeds again with what has landed, as after an answer that was lost', async () => {
      await fill(bench().writeSide, everything, { [MAIN]: at(0) });
      for (let times = 0; times < 2; times++)
        await remote().push('origin', [{ ref: MAIN, old: at(0), next: at(1) }, create(INDEX, at(1))], ATOMIC);
      expect(await refsOf(bench().writeSide)).to.deep.equal({ [INDEX]: at(1), [MAIN]: at(1) });
    });

    const stale = (): RefUpdate[] => [
      { ref: MAIN, old: null, next: at(2) },
      { ref: MAIN, old: at(0), next: at(2) },
      { ref: MAIN, old: at(2), next: at(0) },
      { ref: MAIN, old: at(0), next: null },
      { ref: 'refs/kv/gone', old: at(0), next: at(1) },
    ];

    it('answers a ref that is not at its old value with CAS_CONFLICT, names it, and moves none of the others', async () => {
      await fill(bench().writeSide, everything, { [MAIN]: at(1) });
      for (const update of stale()) {
        const error = await rejects(remote().push('origin', [create(INDEX, at(0)), update], ATOMIC), 'CAS_CONFLICT');
        expect(error.details?.['ref']).to.equal(update.ref);
      }
      expect(await refsOf(bench().writeSide)).to.deep.equal({ [MAIN]: at(1) });
    });

    it('holds to each old value without atomicity too', async () => {
      await fill(bench().writeSide, everything, { [MAIN]: at(1) });
      for (const update of stale()) {
        const error = await rejects(remote().push('origin', [update], { atomic: false }), 'CAS_CONFLICT');
        expect(error.details?.['ref']).to.equal(update.ref);
      }
      expect(await refsOf(bench().writeSide)).to.deep.equal({ [MAIN]: at(1) });
    });

    it('throws what the Stargate said', async () => {
      const said = {
        code: 'POLICY_VIOLATION',
        message: "the key 'x' is not allowed: é",
        hint: 'use another',
        details: { key: 'x' },
      };
      await bench().refuse(['hello', `kv-error/1 ${JSON.stringify(said)}`, 'more']);
      const { code, message, hint, details } = await rejects(
        remote().push('origin', [create(MAIN, at(0))], ATOMIC),
        'POLICY_VIOLATION',
      );
      expect({ code, message, hint, details }).to.deep.equal(said);
      expect(await refsOf(bench().writeSide)).to.deep.equal({});
    });

    it('tells what the other side says, line by line and whole', async () => {
      const said = ['hello', `kv-answer/1 ${'x'.repeat(200_000)}`, 'more'];
      await bench().refuse(said);
      const heard: string[] = [];
      const onRemoteLine = (line: string): void => {
        heard.push(line);
      };
      await rejects(remote().push('origin', [create(MAIN, at(0))], { ...ATOMIC, onRemoteLine }), 'GIT_ERROR');
      expect(heard).to.deep.equal(said);
    });

    it('reads a code that it does not know as GIT_ERROR, and keeps a long line whole', async () => {
      await bench().refuse([`kv-error/1 ${JSON.stringify({ code: 'FROM_THE_FUTURE', message: 'm'.repeat(20_000) })}`]);
      const error = await rejects(remote().push('origin', [create(MAIN, at(0))], ATOMIC), 'GIT_ERROR');
      expect(error.message).to.equal(`FROM_THE_FUTURE: ${'m'.repeat(20_000)}`);
    });

    it('gives the words of any other refusal, and the ref', async () => {
      await bench().refuse(['no thanks']);
      const error = await rejects(remote().push('origin', [create(MAIN, at(0))], ATOMIC), 'GIT_ERROR');
      expect(error.message).to.include(MAIN).and.include('no thanks');
    });

    it('never goes to the mirror instead: without a write side it is CONFIG_INVALID', async () => {
      await bench().forget('write');
      const error = await rejects(remote().push('origin', [create(MAIN, at(0))], ATOMIC), 'CONFIG_INVALID');
      expect(error.hint).to.be.a('string');
      expect(await refsOf(bench().mirror)).to.deep.equal({});
    });
  });

  describe('a push that restarts', () => {
    it('leaves out what other refs over there hold, behind no history', async () => {
      const [first] = states;
      const restart = commit(format, { tree: first.tree, time: 1_800_000_000 });
      await fill(bench().writeSide, everything, { [MAIN]: first.commit });
      // The clone hasn't got the values that it would have to send.
      await bench().clone.write([...first.objects.filter(({ type }) => type !== 'blob'), restart]);
      await remote().push('origin', [create('refs/kv/next', restart.oid)], { atomic: true, restarts: true });
      expect((await refsOf(bench().writeSide))['refs/kv/next']).to.equal(restart.oid);
    });

    it('sends what is new', async () => {
      await fill(bench().writeSide, everything, { [MAIN]: at(0) });
      const fresh = history(format, 1, 'fresh')[0] as State;
      await bench().clone.write([...everything, ...fresh.objects]);
      const updates = [{ ref: MAIN, old: at(0), next: at(1) }, create('refs/kv/next', fresh.commit)];
      await remote().push('origin', updates, { atomic: true, restarts: true });
      expect(await refsOf(bench().writeSide)).to.deep.equal({ [MAIN]: at(1), 'refs/kv/next': fresh.commit });
      expect(await bench().writeSide.read(fresh.objects.map(({ oid }) => oid))).not.to.include(null);
    });
  });
}
