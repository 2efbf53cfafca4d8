import { expect } from 'chai';
import { withBreaker } from '../../adapters/mirror-breaker/open.js';
import { openGitMirror } from '../../adapters/mirror-git/open.js';
import { type BreakerState, type ErrorCode, KvError, type MirrorTarget, unwrap } from '../../ports/index.js';
import { mirrorTargetContract, thrownBy } from '../contracts/mirror-target.js';
import { mirrorBench } from '../support/worlds/mirror-bench.js';

mirrorTargetContract('mirror-breaker around mirror-git', () =>
  mirrorBench('sha1', async ({ stargate, env }) =>
    withBreaker(await openGitMirror({ directory: stargate, remote: 'github-origin', env }), { volume: 100 }),
  ),
);

describe('mirror-breaker', () => {
  let fails: ErrorCode | null = null;
  let pushes = 0;
  let closes = 0;
  const target: MirrorTarget = {
    capabilities: { atomic: true, anyRef: true },
    label: 'fake',
    push: async () => {
      pushes++;
      if (fails !== null) throw new KvError(fails, 'no');
    },
    refs: async () => new Map(),
    fetch: async () => undefined,
    close: async () => {
      closes++;
    },
  };
  beforeEach(() => {
    [fails, pushes, closes] = [null, 0, 0];
  });

  it('opens after failures, says for how long, and closes after one good push', async () => {
    const states: BreakerState[] = [];
    let halfOpen: () => void = () => undefined;
    const isHalfOpen = new Promise<void>((resolve) => {
      halfOpen = resolve;
    });
    const guarded = withBreaker(target, {
      volume: 3,
      resetMs: 60,
      onState: (state) => {
        states.push(state);
        if (state === 'half-open') halfOpen();
      },
    });
    // opossum does not keep the process alive for its timer; a test has to.
    const alive = setInterval(() => undefined, 10);
    fails = 'IO_ERROR';
    for (let at = 0; at < 3; at++) expect((await thrownBy(guarded.push([]))).message).to.equal('no');
    expect(unwrap(guarded, 'breaker')?.state).to.equal('open');
    const error = await thrownBy(guarded.push([]));
    expect(error.code).to.equal('IO_ERROR');
    expect(error.details?.['retryAfterMs']).to.be.within(1, 60);
    expect(pushes, 'an open breaker asks nobody').to.equal(3);
    await isHalfOpen;
    fails = null;
    await guarded.push([]);
    expect(unwrap(guarded, 'breaker')?.state).to.equal('closed');
    expect(states).to.deep.equal(['open', 'half-open', 'closed']);
    clearInterval(alive);
    await guarded.close();
    expect(closes).to.equal(1);
  });

  it('does not take a refusal for a failure', async () => {
    const guarded = withBreaker(target, { volume: 2 });
    fails = 'SYNC_REFUSED';
    for (let at = 0; at < 10; at++) expect((await thrownBy(guarded.push([]))).code).to.equal('SYNC_REFUSED');
    expect(unwrap(guarded, 'breaker')?.state).to.equal('closed');
    expect(pushes).to.equal(10);
    await guarded.close();
  });

  it('pushes nothing after close', async () => {
    const guarded = withBreaker(target, { volume: 1, resetMs: 1 });
    fails = 'IO_ERROR';
    await thrownBy(guarded.push([]));
    await guarded.close();
    expect((await thrownBy(guarded.push([]))).message).to.contain('closed');
  });
});
