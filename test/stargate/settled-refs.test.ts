import { expect } from 'chai';
import type { Oid, RefName } from '../../ports/vocabulary.js';
import { type Rig, rig } from '../support/worlds/rig.js';

describe('the refs that a Stargate shows', () => {
  let r: Rig;
  let at: (n: number) => Oid;
  beforeEach(async () => {
    r = await rig();
    const tree = r.sandbox.git(r.gitDir, 'hash-object', '-w', '-t', 'tree', '/dev/null');
    const commits = [1, 2].map((n) => r.sandbox.git(r.gitDir, 'commit-tree', '-m', `commit ${n}`, tree));
    at = (n) => commits[n - 1] as Oid;
    move(1, 'refs/heads/main', 'refs/kv/main', 'refs/kv-index/main');
  });
  afterEach(() => r.close());

  const move = (n: number, ...refs: RefName[]): void => {
    for (const ref of refs) r.sandbox.git(r.gitDir, 'update-ref', ref, at(n));
  };

  for (const version of [0, 1, 2]) {
    it(`are those of one moment, in protocol v${version}, though a transaction lands while they are read`, async () => {
      const whole = r.store.refs.bind(r.store);
      let looks = 0;
      r.store.refs = async (patterns) => {
        if (looks++ === 0) move(2, 'refs/kv/main', 'refs/kv-index/main'); // git has made its list, and nobody has looked since
        return whole(patterns);
      };
      const fetched = await r.sandbox.exec(
        'git',
        [
          '-C',
          r.work,
          '-c',
          `protocol.version=${version}`,
          'fetch',
          r.url(),
          '+refs/kv/*:refs/t/kv/*',
          '+refs/kv-index/*:refs/t/index/*',
        ],
        { GIT_SSH_COMMAND: r.sshCommand(r.keys.reader) },
      );
      expect(fetched.code, fetched.stderr).to.equal(0);
      const got = ['refs/t/kv/main', 'refs/t/index/main'].map((ref) => r.sandbox.git(r.work, 'rev-parse', ref));
      expect([got, looks]).to.deep.equal([[at(2), at(2)], 2]);
    });
  }

  it('are not looked at twice for a branch', async () => {
    let looks = 0;
    r.store.refs = async () => {
      looks++;
      return new Map();
    };
    const fetched = await r.sandbox.exec('git', ['-C', r.work, 'fetch', '--no-tags', r.url(), 'refs/heads/main:refs/t/main'], {
      GIT_SSH_COMMAND: r.sshCommand(r.keys.reader),
    });
    expect(fetched.code, fetched.stderr).to.equal(0);
    expect(looks).to.equal(0);
  });
});
