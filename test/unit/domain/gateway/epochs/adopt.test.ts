import { expect } from 'chai';
import { adoptMirror } from '../../../../../domain/gateway/epochs/adopt.js';
import { KvError } from '../../../../../ports/error.js';
import type { RemoteListing, RepositoryHost } from '../../../../../ports/git/repository-host.js';
import { rejects } from '../../../../contracts/git-store-parts/bench.js';

/** A host whose remote shows these refs; `did` is what it was asked to do. */
function hostBefore(names: readonly string[], head: string | null): { host: RepositoryHost; did: string[] } {
  const did: string[] = [];
  const listed: RemoteListing = { refs: new Map(names.map((name) => [name, 'a'.repeat(40)])), head };
  const asked: Partial<RepositoryHost> = {
    listRemote: async () => listed,
    fetchRemote: async (remote, kinds) => void did.push(`fetch ${remote} ${kinds.join(' ')}`),
    setHead: async (branch) => void did.push(`head ${branch}`),
  };
  return { host: asked as RepositoryHost, did };
}

describe('what a new Stargate takes over from its mirror', () => {
  const FETCH = 'fetch m heads tags kv kv-index kv-chunks kv-epoch kv-archive kv-watchlog kv-intents kv-compacted kv-policy';

  it('is branches, tags, kv refs and the default branch, with every namespace verified', async () => {
    const { host, did } = hostBefore(
      [
        ...['refs/heads/trunk', 'refs/kv/main', 'refs/kv-index/main', 'refs/kv-archive/old@2025Q4', 'refs/kv-policy/current'],
        ...['refs/kv-mirror/main', 'refs/pull/1/head', 'refs/notes/x'],
      ],
      'refs/heads/trunk',
    );
    const adopted = await adoptMirror(host, 'm', async (ns) => void did.push(`verify ${ns}`));
    expect(adopted).to.deep.equal({
      ...{ refs: 5, branches: 1, namespaces: ['main', 'old'] },
      ...{ head: 'refs/heads/trunk', unborn: null },
    });
    expect(did).to.deep.equal([FETCH, 'verify main', 'verify old', 'head refs/heads/trunk']);
  });

  it('is nothing where there is nothing of these', async () => {
    const { host, did } = hostBefore(['refs/pull/1/head'], 'refs/heads/main');
    expect(await adoptMirror(host, 'm', () => Promise.reject(new Error('no')))).to.deep.equal({
      refs: 0,
      namespaces: [],
      ...{ branches: 0, head: null, unborn: 'refs/heads/main' },
    });
    expect(did).to.deep.equal([]);
  });

  it('is refused when a namespace does not verify, which is named', async () => {
    const { host, did } = hostBefore(['refs/heads/main', 'refs/kv/bad'], 'refs/heads/main');
    const verify = () => Promise.reject(new KvError('ATTESTATION_MISMATCH', 'commit abc has no trailers'));
    const error = await rejects(adoptMirror(host, 'm', verify), 'SYNC_REFUSED');
    expect(error.message).to.equal("the mirror's namespace bad does not verify: commit abc has no trailers");
    expect(did).to.deep.equal([FETCH]);
  });
});
