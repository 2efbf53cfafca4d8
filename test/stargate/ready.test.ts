import { expect } from 'chai';
import { stargateHealth } from '../../apps/stargate/http/health.js';
import { createMetrics } from '../../apps/stargate/metrics.js';
import type { WorkerStatus } from '../../domain/gateway/mirror/worker.js';
import { KvError } from '../../ports/error.js';
import { memory } from '../support/memory/memory.js';

describe('stargate: whether it is ready', () => {
  const ask = async (
    parts: string[],
    changes: { leader?: boolean; mirror?: string; stuck?: boolean; policy?: string; full?: string },
  ) => {
    const hostError = changes.stuck === true ? new KvError('IO_ERROR', 'no route') : null;
    const health = stargateHealth({
      ...{ store: memory().store, metrics: createMetrics(), repository: {} as never }, // it isn't asked
      leadership: async () => ({ leader: changes.leader ?? true, holder: 'other', term: 1 }),
      worker: () => ({ backlog: 2, hostError, behind: new Map() }) as unknown as WorkerStatus, // what is looked at
      probe: async () => changes.mirror ?? null,
      lack: async () => changes.full ?? null,
      policyRejected: () => changes.policy ?? null,
    });
    const { reasons, warnings } = await health.readyz(new Set(parts));
    return { reasons, warnings };
  };
  const queue = 'mirror queue: 2 waiting, last IO_ERROR: no route';

  it('is for writing: an unreachable mirror is a warning, and a reason only where the mirror is asked for', async () => {
    expect(await ask([], {})).to.deep.equal({ reasons: [], warnings: [] });
    const away = { mirror: 'gone', stuck: true };
    expect(await ask([], away)).to.deep.equal({ reasons: [], warnings: ['mirror: gone', queue] });
    expect(await ask(['mirror'], away)).to.deep.equal({ reasons: ['mirror: gone', queue], warnings: [] });
    expect(await ask(['mirror'], {})).to.deep.equal({ reasons: [], warnings: [] });
  });

  it('is not for a Stargate without room', async () => {
    const reasons = ['disk: 0 bytes free', 'standby: the leader is other'];
    for (const parts of [[], ['mirror']])
      expect((await ask(parts, { full: '0 bytes free', leader: false })).reasons).to.deep.equal(reasons);
  });

  it('warns of a policy file that is not in force, and is not for a standby', async () => {
    const policy = ['policy: the file is not in force: line 3'];
    expect(await ask([], { policy: 'line 3' })).to.deep.equal({ reasons: [], warnings: policy });
    expect(await ask(['mirror'], { policy: 'line 3' })).to.deep.equal({ reasons: [], warnings: policy });
    expect((await ask([], { leader: false })).reasons).to.deep.equal(['standby: the leader is other']);
  });
});
