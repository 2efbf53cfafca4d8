import { expect } from 'chai';
import { epochsAtMirror, PROBE_REF, probeMirror } from '../../../../../domain/gateway/mirror/probe.js';
import { KvError } from '../../../../../ports/error.js';
import type { MirrorTarget } from '../../../../../ports/stargate/mirror-target.js';
import type { Oid } from '../../../../../ports/vocabulary.js';
import { memory, TestClock } from '../../../../support/memory/memory.js';

/** A host with rules for one ref. */
class Host {
  at: Oid | null = null;
  pushes = 0;
  away = false;
  hangs = false;
  readonly denied = new Set<'create' | 'rewind' | 'delete'>();

  readonly target = {
    label: 'the host',
    refs: async () => new Map(this.at === null ? [] : [[PROBE_REF, this.at]]),
    push: async ([update], signal) => {
      this.pushes++;
      if (this.hangs) await new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)));
      if (this.away) throw new KvError('IO_ERROR', 'nobody answers');
      if (update?.ref !== PROBE_REF || update.expected !== this.at) throw new KvError('SYNC_REFUSED', 'stale info');
      const what = update.next === null ? 'delete' : this.at === null ? 'create' : 'rewind';
      if (this.denied.has(what)) throw new KvError('GIT_ERROR', `no ${what}`);
      this.at = update.next;
    },
  } as Partial<MirrorTarget> as MirrorTarget;
}

describe('domain: what a mirror takes', () => {
  let host: Host;
  beforeEach(() => {
    host = new Host();
  });
  const said = async (): Promise<(string | null)[]> => {
    const { creates, rewinds, deletes } = await probeMirror({ ...memory(), target: host.target });
    return [creates, rewinds, deletes].map((error) => error?.message ?? null);
  };

  it('is tried with a ref that is gone afterwards', async () => {
    expect([await said(), host.at, host.pushes]).to.deep.equal([[null, null, null], null, 3]);
  });

  it('is told apart: no ref of ours at all, no rewinding, no deletion', async () => {
    host.denied.add('create');
    expect([await said(), host.pushes]).to.deep.equal([['no create', null, null], 1]);
    host.denied.clear();
    host.denied.add('rewind');
    expect([await said(), host.at]).to.deep.equal([[null, 'no rewind', null], null]);
    host.denied.add('delete');
    expect(await said()).to.deep.equal([null, 'no rewind', 'no delete']);
  });

  it('is tried again over what an earlier try has left', async () => {
    host.denied.add('delete');
    for (let n = 0; n < 3; n++) expect(await said()).to.deep.equal([null, null, 'no delete']);
    host.denied.clear();
    expect([await said(), host.at]).to.deep.equal([[null, null, null], null]);
  });

  it('keeps an epoch from beginning where it takes no rewinding, and asks again the next time', async () => {
    const clock = new TestClock();
    const ask = epochsAtMirror({
      ...memory(),
      target: host.target,
      clock: { now: () => clock.at, sleep: () => new Promise(() => undefined) },
    });
    host.denied.add('rewind');
    expect((await ask())?.code).to.equal('CONFIG_INVALID');
    host.denied.clear();
    expect([await ask(), host.pushes]).to.deep.equal([null, 6]);
    expect([await ask(), host.pushes]).to.deep.equal([null, 6]); // known
    clock.at += 3_600_000;
    expect([await ask(), host.pushes]).to.deep.equal([null, 9]);
  });

  it('keeps none from beginning where it is away, or says nothing for long', async () => {
    const ask = epochsAtMirror({ ...memory(), target: host.target, clock: new TestClock() });
    host.hangs = true;
    expect(await ask()).to.equal(null);
    [host.hangs, host.away] = [false, true];
    expect(await ask()).to.equal(null);
    expect(host.at).to.equal(null);
  });
});
