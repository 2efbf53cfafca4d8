import { expect } from 'chai';
import { GitMemoryStore } from '../../adapters/git-memory/open.js';
import { openMemoryIntentStream } from '../../adapters/remote-memory/open-intent-stream.js';
import { openMemoryFetchRecord } from '../../adapters/remote-memory/open-fetch-record.js';
import { type ArrivedStream, placeNamed, RemotePlace } from '../../adapters/remote-memory/open.js';
import { openProfile, parseProfile } from '../../plugins/host/index.js';
import { type GitRemote, KvError } from '../../ports/index.js';
import { fetchRecordContract } from '../contracts/fetch-record.js';
import { blob, commit, files } from '../contracts/git-objects.js';
import { gitRemoteContract } from '../contracts/git-remote.js';
import { type IntentStreamServer, intentStreamContract } from '../contracts/intent-stream.js';
import { failure } from '../support/failure.js';
import { memoryRemoteBench, sideOf } from '../support/memory/remote-bench.js';

gitRemoteContract('remote-memory', async (format) => memoryRemoteBench(format));

fetchRecordContract('remote-memory', async () => {
  const times = new Map<string, number>();
  return { open: async () => openMemoryFetchRecord(times), dispose: async () => undefined };
});

intentStreamContract('remote-memory', async () => {
  const place = new RemotePlace('test');
  place.write = { ...sideOf(new GitMemoryStore('sha1')), receive: async () => [] };
  let released = (): void => undefined;
  const release = new Promise<void>((resolve) => {
    released = resolve;
  });
  const hello = new TextEncoder().encode('hello');
  const servers: Readonly<Record<IntentStreamServer, (stream: ArrivedStream) => Promise<void>>> = {
    async echo({ received, send }) {
      for await (const bytes of received) await send(bytes);
    },
    async refuse() {
      throw new KvError('POLICY_VIOLATION', 'not here');
    },
    greet: ({ send }) => send(hello),
    async break({ send }) {
      await send(hello);
      throw new Error('the connection was cut');
    },
    async count({ received, send }) {
      await release;
      let size = 0;
      for await (const bytes of received) {
        size += bytes.length;
        if (size >= 4_194_304) break;
      }
      await send(new TextEncoder().encode(String(size)));
    },
  };
  return {
    stream: openMemoryIntentStream(place, 'ada'),
    async serve(how) {
      place.intents = { serve: servers[how] };
    },
    release: async () => released(),
    async vanish() {
      place.away.add('write');
    },
    async forget() {
      place.write = null;
    },
    dispose: async () => undefined,
  };
});

describe('remote-memory', () => {
  const format = 'sha1';

  it('sends what the other side has not got and no more, and says whom the clone comes as', async () => {
    const { remote, clone, received } = memoryRemoteBench(format);
    const { root, objects: below } = files(format, { a: 'value' });
    const first = commit(format, { tree: root, time: 1 });
    const second = commit(format, { tree: root, parents: [first.oid], time: 2 });
    await clone.write([...below, first, second, blob(format, 'reached by nothing')]);
    await remote.push('origin', [{ ref: 'refs/kv/main', old: null, next: first.oid }], { atomic: true });
    await remote.push('origin', [{ ref: 'refs/kv/main', old: first.oid, next: second.oid }], { atomic: false });
    await remote.push('origin', [{ ref: 'refs/kv/main', old: first.oid, next: second.oid }], { atomic: true });
    expect(received.map(({ as, atomic, objects }) => [as, atomic, objects.map(({ oid }) => oid).sort()])).to.deep.equal([
      ['ada', true, [first.oid, ...below.map(({ oid }) => oid)].sort()],
      ['ada', false, [second.oid]],
    ]);
  });

  it('sends nothing of what is not all there', async () => {
    const { remote, clone, received } = memoryRemoteBench(format);
    const hole = commit(format, { tree: 'cd'.repeat(20), time: 1 });
    await clone.write([hole]);
    await failure(remote.push('origin', [{ ref: 'refs/kv/main', old: null, next: hole.oid }], { atomic: true }), 'GIT_ERROR');
    expect(received).to.deep.equal([]);
  });

  it('is one place for the compositions that name it, and leads nowhere without a name', async () => {
    const opened = async (adapter: string): Promise<GitRemote> => {
      const yaml = `name: shared\nadapters: { git-store: git-memory, git-remote: ${adapter} }\n`;
      const composition = await openProfile(await parseProfile(yaml, 'shared.yaml'), { directory: '/nonexistent', env: {} });
      return composition.get<GitRemote>('git-remote');
    };
    const store = new GitMemoryStore(format);
    const one = blob(format, 'content');
    await store.write([one]);
    await store.updateRefs([{ ref: 'refs/tags/x', old: null, next: one.oid }], 'test');
    placeNamed('remote-memory.test').read = sideOf(store);
    const named = '{ use: remote-memory, config: { place: remote-memory.test, as: ada } }';
    for (let times = 0; times < 2; times++)
      expect([...(await (await opened(named)).listRefs('origin', 'read', ['refs/*'])).keys()]).to.deep.equal(['refs/tags/x']);
    expect(await (await opened('remote-memory')).url('origin', 'read')).to.equal(null);
  });
});
