import { expect } from 'chai';
import { execFileSync } from 'node:child_process';
import { rawPush } from '../robustness/hostile/attacks/raw-push.js';
import { encodePkt, FLUSH_PKT } from '../../ports/grammar/git-words/pkt-line.js';
import { commitFile, rig, type Rig } from '../support/worlds/rig.js';

/** The gateway of the rig takes everything: what is refused here is refused by the reading of the pack. */
describe('stargate: a push with a hole', () => {
  let r: Rig;
  beforeEach(async () => {
    r = await rig();
  });
  afterEach(() => r.close());

  const git = (...args: string[]): string => r.sandbox.git(r.work, ...args);

  /** Pushes a commit to a namespace's ref in a pack that holds these objects alone. */
  async function push(commit: string, objects: readonly string[], old = '0'.repeat(40)): Promise<string> {
    const pack = execFileSync('git', ['pack-objects', '--stdout', '-q'], {
      ...{ cwd: r.work, env: r.sandbox.env, input: `${objects.join('\n')}\n` },
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    const list = encodePkt(`${old} ${commit} refs/kv/main\0 report-status atomic`);
    const to = { host: '127.0.0.1', port: r.ssh.port, keyFile: r.keys.writer, path: 'shop.git' };
    return rawPush(to, [list, FLUSH_PKT, pack], 10_000);
  }

  it('is taken when nothing is missing', async () => {
    const commit = commitFile(r, 'a.txt', 'one');
    await push(commit, [commit, git('rev-parse', `${commit}^{tree}`), git('rev-parse', `${commit}:a.txt`)]);
    expect(r.gateway.committed).to.have.length(1);
    expect(r.sandbox.git(r.gitDir, 'rev-parse', 'refs/kv/main')).to.equal(commit);
  });

  for (const [what, kept] of [
    ['a blob', (commit: string) => [commit, git('rev-parse', `${commit}^{tree}`)]],
    ['a tree', (commit: string) => [commit]],
    ['a parent', (commit: string) => [commit, git('rev-parse', `${commit}^{tree}`), git('rev-parse', `${commit}:b.txt`)]],
  ] as const) {
    it(`is refused when ${what} is missing, and leaves nothing`, async () => {
      commitFile(r, 'b.txt', 'before');
      const commit = commitFile(r, 'b.txt', 'after');
      const said = await push(commit, kept(commit));
      expect(said).to.contain('did not receive expected object');
      expect(r.gateway.validated).to.deep.equal([]);
      expect(r.sandbox.git(r.gitDir, 'for-each-ref')).to.equal('');
      expect(r.sandbox.git(r.gitDir, 'count-objects', '-v')).to.match(/^in-pack: 0$/m);
    });
  }
});
