import { expect } from 'chai';
import { memoryStore } from '../../../adapters/git-memory/open.js';
import { nodeHasher } from '../../../adapters/hasher-node/open.js';
import { Pool } from '../../../apps/api/pool/pool.js';
import type { RefEvent } from '../../../domain/repo/types.js';
import { KvError } from '../../../ports/error.js';
import { thrownBy } from '../../contracts/mirror-target.js';
import { SeededRandomness, TestClock } from '../../support/memory/memory.js';

const EVENT: RefEvent = { sequence: 1, ref: 'refs/heads/main', old: null, next: '0'.repeat(40), reason: 'commit', time: 0 };

/** A pool in memory whose adapter is asked for by name; the first `failing` times, that fails. */
async function pool(failing = 0) {
  const asked: unknown[] = [];
  const opener = async (_port: string, use: string, config: Readonly<Record<string, unknown>> = {}) => {
    asked.push([use, config]);
    if (asked.length <= failing) throw new KvError('PLUGIN_INVALID', 'not this time');
    const format = config['objectFormat'] === 'sha256' ? 'sha256' : 'sha1';
    return async () => memoryStore(format, { repository: Infinity, process: Infinity }) as never;
  };
  const open = (): Promise<never> => Promise.reject(new Error('nothing is kept here'));
  const made = await Pool.open({
    composition: { open, opener: opener as never },
    settings: { data: '', maxRepositories: 1000, maxIdleTime: 1, maxMemory: 2000, maxRepositoryMemory: 1000 },
    ...{ clock: new TestClock(0), hasher: nodeHasher(), randomness: new SeededRandomness(7) },
  });
  return { pool: made, asked };
}

describe('a pool of repositories', () => {
  it('looks once at how memory is to be opened, for each kind of ids, and opens a store of its own for each repository', async () => {
    const { pool: made, asked } = await pool();
    for (const id of ['a', 'b']) await made.create(id, { objectFormat: 'sha1' });
    await made.create('c', { objectFormat: 'sha256' });
    const limits = { maxBytes: 1000, maxProcessBytes: 2000 };
    expect(asked).to.deep.equal(['sha1', 'sha256'].map((objectFormat) => ['git-memory', { objectFormat, ...limits }]));
    const stores = await Promise.all(['a', 'b', 'c'].map((id) => made.use(id, async (_, store) => store)));
    expect(new Set(stores).size).to.equal(3);
    expect(stores.map(({ objectFormat }) => objectFormat)).to.deep.equal(['sha1', 'sha1', 'sha256']);
    await made.close();
  });

  it('asks again where that failed', async () => {
    const { pool: made } = await pool(1);
    expect((await thrownBy(made.create('a', { objectFormat: 'sha1' }))).code).to.equal('PLUGIN_INVALID');
    await made.create('a', { objectFormat: 'sha1' });
    await made.close();
  });

  it('names the events of each repository otherwise, and of one that is made anew', async () => {
    const { pool: made } = await pool();
    const names: string[] = [];
    for (let i = 0; i < 300; i++) {
      await made.create('a', { objectFormat: 'sha1' });
      names.push(made.events('a').add(EVENT).id);
      await made.remove('a');
    }
    expect(names.every((name) => /^[0-9a-f]{12}-1$/.test(name))).to.equal(true);
    expect(new Set(names).size).to.equal(names.length);
    await made.close();
  });
});
