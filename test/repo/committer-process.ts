/** Commits until it is killed, eight at a time, and tells its parent each commit that was acknowledged. Arguments: a folder, a name. */
import { open as openBare } from '../../adapters/git-cli/open-bare.js';
import { nodeHasher } from '../../adapters/hasher-node/open.js';
import { memoryStore } from '../../adapters/git-memory/open.js';
import { openMemoryFirst } from '../../domain/repo/persist/memory-first.js';
import { openRepository } from '../../domain/repo/repository.js';
import { isolatedEnv } from '../support/worlds/isolated-env.js';
import { SeededRandomness, TestClock } from '../support/memory/memory.js';
import { alone } from '../support/alone.js';

const [directory = '', round = ''] = process.argv.slice(2);
const context = alone(directory, isolatedEnv(directory));
const durable = await openBare({ directory: `${directory}/r.git`, create: 'sha1' }, context);
const store = await openMemoryFirst(memoryStore('sha1', { repository: Infinity, process: Infinity }), durable);
const repo = openRepository({ store, hasher: nodeHasher(), clock: new TestClock(), randomness: new SeededRandomness(1) });

async function commits(who: number): Promise<never> {
  for (let i = 0; ; i++) {
    const path = `${round}/${who}/${i}`;
    const { oid } = await repo.commitChanges(
      'main',
      { put: [{ path, content: path }] },
      { message: path, author: { name: 'C', email: 'c@example.org' } },
    );
    process.send?.(oid);
  }
}

process.on('disconnect', () => process.exit());
await Promise.all(Array.from({ length: 8 }, (_, who) => commits(who)));
