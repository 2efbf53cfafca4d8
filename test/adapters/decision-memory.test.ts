import { expect } from 'chai';
import { DecisionPlace, openMemoryDecisions } from '../../adapters/decision-memory/open.js';
import { openProfile, parseProfile } from '../../plugins/host/index.js';
import type { DecisionLog, Head } from '../../ports/index.js';
import { decisionLogContract } from '../contracts/decision-log.js';

decisionLogContract('decision-memory', async () => {
  const place = new DecisionPlace();
  let fences = 0;
  return {
    open: async () => openMemoryDecisions(place),
    async fence() {
      const fence = `lock ${++fences}`;
      place.fences.add(fence);
      return {
        fence,
        lose: async () => {
          place.fences.delete(fence);
        },
      };
    },
    dispose: async () => undefined,
  };
});

describe('decision-memory', () => {
  it('is one for the compositions that name its place, and each one’s own without a name', async () => {
    const opened = async (adapter: string): Promise<DecisionLog> => {
      const profile = await parseProfile(`name: shared\nadapters: { decision-log: ${adapter} }\n`, 'shared.yaml');
      return (await openProfile(profile, { directory: '/nonexistent', env: {} })).get<DecisionLog>('decision-log');
    };
    const head: Head = { sequence: 1, term: 1, digest: 'd', members: ['one'] };
    const named = '{ use: decision-memory, config: { place: decision-memory.test } }';
    await (await opened(named)).decide('a/b', { head, after: null });
    expect((await (await opened(named)).read('a/b'))?.head).to.deep.equal(head);
    await (await opened('decision-memory')).decide('a/b', { head, after: null });
    expect(await (await opened('decision-memory')).read('a/b')).to.equal(null);
  });
});
