import { GitMemoryStore } from '../../../adapters/git-memory/open.js';
import { MemoryHost, openMemoryMirror } from '../../../adapters/mirror-memory/open.js';
import type { ObjectFormat, Oid } from '../../../ports/index.js';
import { commit, tree } from '../../contracts/git-objects.js';
import type { MirrorBench } from '../../contracts/mirror-target.js';

/** A Stargate's store with four commits, and a host, in memory. */
export async function memoryMirrorBench(format: ObjectFormat): Promise<MirrorBench> {
  const store = new GitMemoryStore(format);
  const host = new MemoryHost();
  const empty = tree(format, []);
  const at = (message: string, ...parents: Oid[]) => commit(format, { tree: empty.oid, parents, time: 1, message });
  const a = at('a');
  const b = at('b', a.oid);
  const c = at('c', b.oid);
  const x = at('x', a.oid);
  await store.write([empty, a, b, c, x]);
  // Somebody else, who has every object that the Stargate has.
  const stranger = openMemoryMirror({ host, store, label: 'the stranger' });
  return {
    target: openMemoryMirror({ host, store, label: 'memory:test' }),
    commits: { a: a.oid, b: b.oid, c: c.oid, x: x.oid },
    localRef: async (ref) => (await store.refs([ref])).get(ref) ?? null,
    meddle: (ref, oid) => stranger.push([{ ref, next: oid, expected: host.refs.get(ref) ?? null }]),
    async vanish() {
      host.away = true;
    },
    dispose: () => store.close(),
  };
}
