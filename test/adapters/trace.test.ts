import { expect } from 'chai';
import { JournalPlace, openMemoryJournal } from '../../adapters/journal-memory/open.js';
import { LockPlace, openMemoryLock } from '../../adapters/lock-memory/open.js';
import { journalWithTrace } from '../../adapters/trace/open-journal.js';
import { lockWithTrace } from '../../adapters/trace/open-leader-lock.js';
import { mirrorWithTrace, tracedCalls } from '../../adapters/trace/open.js';
import { openProfile, parseProfile } from '../../plugins/host/index.js';
import { codeOf, KvError, type MirrorTarget, NO_SPAN, type PluginManifest, type Tracing } from '../../ports/index.js';
import { journalContract } from '../contracts/journal.js';
import { leaderLockContract } from '../contracts/leader-lock.js';
import { mirrorTargetContract, thrownBy } from '../contracts/mirror-target.js';
import { memoryMirrorBench } from '../support/memory/mirror-bench.js';

/** Remembers each span's call and how it ended. */
function recorded(isOn = true): { readonly spans: string[]; readonly tracing: Tracing } {
  const spans: string[] = [];
  const begin: Tracing['begin'] = (_name, start) => ({
    ...NO_SPAN,
    end: (error) => void spans.push(`${start?.facts?.command} ${codeOf(error)}`),
  });
  return { spans, tracing: { isOn, begin, lost: 0, close: async () => undefined } };
}

mirrorTargetContract('trace around mirror-memory', async () => {
  const bench = await memoryMirrorBench('sha1');
  return { ...bench, target: mirrorWithTrace(bench.target, tracedCalls(recorded().tracing, 'mirror-target')) };
});

leaderLockContract('trace around lock-memory', async () => {
  const place = new LockPlace();
  return {
    takeoverMs: 0,
    open: async () => lockWithTrace(openMemoryLock(place), tracedCalls(recorded().tracing, 'leader-lock')),
    async holderProcess() {
      const lease = await openMemoryLock(place).acquire('holder process');
      return { term: lease?.term ?? 0, kill: async () => place.depose() };
    },
    depose: async () => place.depose(),
    dispose: async () => undefined,
  };
});

journalContract('trace around journal-memory', async () => {
  const place = new JournalPlace();
  return {
    open: async () => journalWithTrace(openMemoryJournal(place), tracedCalls(recorded().tracing, 'journal')),
    dispose: async () => undefined,
  };
});

describe('trace', () => {
  const profile = `name: t
adapters:
  git-store: git-memory
  clock: clock-system
  randomness: clock-system
  tracing: test
  mirror-target: { use: mirror-memory, wrap: [breaker, retry, trace] }
`;
  const opened = async (tracing: Tracing): Promise<MirrorTarget> => {
    const adapters = [{ port: 'tracing' as const, name: 'test', module: async () => ({ open: async () => tracing }) }];
    const plugin: PluginManifest = { api: 1, id: 'test', adapters };
    const options = { directory: '/nonexistent', env: {}, plugins: [plugin] };
    return (await openProfile(await parseProfile(profile, 'p.yaml'), options)).get<MirrorTarget>('mirror-target');
  };

  it('says of each call what it was and how it ended, and nothing of what it was about', async () => {
    const { spans, tracing } = recorded();
    const target = await opened(tracing);
    await target.refs(['refs/*']);
    expect(KvError.is(await thrownBy(target.push([{ ref: '--no', next: 'secret' }])))).to.equal(true);
    expect(spans).to.deep.equal(['mirror-target.refs OK', 'mirror-target.push GIT_ERROR']);
  });

  it('is not there at all while nothing is traced', async () => {
    const { spans, tracing } = recorded(false);
    await (await opened(tracing)).refs(['refs/*']);
    expect(spans).to.deep.equal([]);
  });
});
