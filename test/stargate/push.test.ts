import { expect } from 'chai';
import { once } from 'node:events';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { KvError } from '../../ports/error.js';
import { encodePkt, FLUSH_PKT } from '../../ports/grammar/git-words/pkt-line.js';
import { files } from '../support/files.js';
import { rejectionIn } from '../support/failure.js';
import { until } from '../support/until.js';
import { commitFile, rig, type Rig } from '../support/worlds/rig.js';

describe('stargate: a push over SSH', () => {
  let r: Rig;
  beforeEach(async () => {
    r = await rig();
  });
  afterEach(() => r.close());

  it('moves branches, tags and kv refs, all through proc-receive', async () => {
    const oid = commitFile(r, 'a.txt', 'one');
    r.sandbox.git(r.work, 'tag', 'v1');
    const pushed = await r.push(
      '--atomic',
      'HEAD:refs/heads/main',
      'v1',
      'HEAD:refs/kv/main',
      'HEAD:refs/kv-index/main',
      'HEAD:refs/other/x',
    );
    expect(pushed.stderr).to.contain('new branch');
    expect(pushed.code).to.equal(0);
    expect(r.gateway.committed).to.have.length(1);
    expect(r.gateway.validated[0]?.atomic).to.equal(true);
    expect(r.gateway.validated[0]?.pusher.name).to.equal('writer');
    const refs = r.sandbox.git(r.gitDir, 'for-each-ref', '--format=%(refname) %(objectname)');
    expect(refs.split('\n')).to.deep.equal(
      ['refs/heads/main', 'refs/kv-index/main', 'refs/kv/main', 'refs/other/x', 'refs/tags/v1'].map((ref) => `${ref} ${oid}`),
    );
    expect(r.outcomes.map((o) => o.kind)).to.deep.equal(['accepted']);
  });

  it('sees that a client did not ask for --atomic, and takes deletions', async () => {
    commitFile(r, 'a.txt', 'one');
    expect((await r.push('HEAD:refs/heads/main', 'HEAD:refs/heads/gone')).code).to.equal(0);
    const deleted = await r.push(':refs/heads/gone');
    expect(deleted.stderr).to.contain('[deleted]');
    expect(r.gateway.validated.map((v) => v.atomic)).to.deep.equal([false, false]);
    expect(r.gateway.validated[1]?.commands[0]?.next).to.equal(null);
    expect((await r.push('HEAD:refs/heads/main')).stderr).to.contain('Everything up-to-date');
    expect(r.gateway.validated).to.have.length(2);
  });

  it('leaves nothing behind when the gateway says no', async () => {
    commitFile(r, 'a.txt', 'one');
    const before = await files(join(r.gitDir, 'objects'));
    r.gateway.check = async () => {
      throw new KvError('SIGNATURE_MISSING', 'commit is not signed — at all\nreally', { hint: 'sign it' });
    };
    const pushed = await r.push('HEAD:refs/heads/main');
    expect(pushed.code).to.equal(1);
    const error = rejectionIn(pushed.stderr);
    expect(error?.code).to.equal('SIGNATURE_MISSING');
    expect(error?.message).to.equal('commit is not signed — at all really'); // one line, whatever the other side says
    expect(pushed.stderr).to.contain('pre-receive hook declined');
    expect(await files(join(r.gitDir, 'objects'))).to.deep.equal(before);
    expect(r.sandbox.git(r.gitDir, 'for-each-ref')).to.equal('');
  });

  it('reports a commit that fails on every ref', async () => {
    commitFile(r, 'a.txt', 'one');
    r.gateway.beforeCommit = async () => {
      throw new KvError('NOT_LEADER', 'the lease is lost', { hint: 'push to the leader' });
    };
    const pushed = await r.push('HEAD:refs/heads/a', 'HEAD:refs/heads/b');
    expect(pushed.code).to.equal(1);
    expect(rejectionIn(pushed.stderr)?.code).to.equal('NOT_LEADER');
    expect(pushed.stderr.match(/\[remote rejected\] .*the lease is lost/g)).to.have.length(2);
    expect(r.gateway.abandoned).to.have.length(0);
    expect(r.outcomes.map((o) => o.kind)).to.deep.equal(['rejected']);
  });

  it('refuses the push at hand, and those that come, once another leads; what that has in quarantine stays', async () => {
    await commitFile(r, 'a.txt', 'one');
    const theirs = join(r.gitDir, 'objects', 'incoming-Th3irs');
    await mkdir(theirs);
    let go = (): void => undefined;
    const reached = new Promise<void>((resolve) => {
      r.gateway.check = () => {
        resolve();
        return new Promise((check) => {
          go = check;
        });
      };
    });
    const pushing = r.push('HEAD:refs/heads/main');
    await reached;
    r.over.abort(new KvError('NOT_LEADER', 'another leads', { hint: 'push there' }));
    go();
    const pushed = await pushing;
    expect(pushed.code).to.not.equal(0);
    expect(rejectionIn(pushed.stderr)).to.include({ code: 'NOT_LEADER', hint: 'push there' });
    expect(rejectionIn((await r.push('HEAD:refs/heads/main')).stderr)?.code).to.equal('NOT_LEADER');
    expect(r.gateway.committed).to.have.length(0);
    expect(r.outcomes.map((o) => o.kind)).to.deep.equal(['rejected']);
    expect(await readdir(theirs)).to.deep.equal([]);
  });

  it('ends the commit at hand when another leads: its refs are moving', async () => {
    await commitFile(r, 'a.txt', 'one');
    r.gateway.beforeCommit = async () => r.over.abort(new KvError('NOT_LEADER', 'another leads'));
    expect((await r.push('HEAD:refs/heads/main')).code).to.equal(0);
    expect(r.outcomes.map((o) => o.kind)).to.deep.equal(['accepted']);
  });

  it('survives a ref name that is longer than any line, and refuses it', async () => {
    commitFile(r, 'a.txt', 'one');
    const pushed = await r.push(`HEAD:refs/heads/${`${'a'.repeat(180)}/`.repeat(361)}b`);
    expect(pushed.code).to.not.equal(0);
    expect(rejectionIn(pushed.stderr)?.code).to.equal('REF_FORBIDDEN');
    expect((await r.push('HEAD:refs/heads/main')).code).to.equal(0);
  });

  it('refuses a ref name that is not UTF-8, and lands it under no other name', async () => {
    commitFile(r, 'a.txt', 'one');
    const script = `exec git -C '${r.work}' push '${r.url()}' HEAD:refs/heads/"$(printf 'a\\377')"`;
    const pushed = await r.sandbox.exec('sh', ['-c', script], { GIT_SSH_COMMAND: r.sshCommand(r.keys.writer) });
    expect(rejectionIn(pushed.stderr)?.code).to.equal('REF_FORBIDDEN');
    expect(r.gateway.validated).to.have.length(0);
    expect(r.sandbox.git(r.gitDir, 'for-each-ref')).to.equal('');
  });

  for (const step of ['check', 'beforeCommit'] as const) {
    it(`ends one push alone when the dialogue itself fails (${step})`, async () => {
      commitFile(r, 'a.txt', 'one');
      r.gateway[step] = async () => {
        throw Object.create(null) as Error; // cannot even be shown
      };
      const pushed = await r.push('HEAD:refs/heads/main');
      expect(pushed.code).to.not.equal(0);
      expect(rejectionIn(pushed.stderr)?.code).to.equal('UNEXPECTED');
      r.gateway[step] = async () => undefined;
      expect((await r.push('HEAD:refs/heads/main')).code).to.equal(0);
    });
  }

  it('gives the lock back when the client leaves between validation and commit, and before', async () => {
    commitFile(r, 'a.txt', 'one');
    const { child, done } = r.sandbox.start('git', ['-C', r.work, 'push', r.url(), 'HEAD:refs/heads/main'], {
      GIT_SSH_COMMAND: r.sshCommand(r.keys.writer),
    });
    let release = (): void => undefined;
    const reached = new Promise<void>((resolve) => {
      r.gateway.check = () => {
        resolve();
        return new Promise((go) => {
          release = go;
        });
      };
    });
    await reached;
    r.sandbox.kill(child);
    await done;
    release();
    r.gateway.check = async () => undefined;
    const pushed = await r.push('HEAD:refs/heads/main');
    expect(pushed.stderr).to.contain('new branch');
    expect(r.gateway.committed.length + r.gateway.abandoned.length).to.equal(2);
  });

  it('finishes a commit whose client has left', async () => {
    const oid = commitFile(r, 'a.txt', 'one');
    const { child, done } = r.sandbox.start('git', ['-C', r.work, 'push', r.url(), 'HEAD:refs/heads/main'], {
      GIT_SSH_COMMAND: r.sshCommand(r.keys.writer),
    });
    let release = (): void => undefined;
    await new Promise<void>((resolve) => {
      r.gateway.beforeCommit = () => {
        resolve();
        return new Promise((go) => {
          release = go;
        });
      };
    });
    r.sandbox.kill(child);
    await done;
    release();
    r.gateway.beforeCommit = async () => undefined;
    expect((await r.push('HEAD:refs/heads/second')).code).to.equal(0);
    expect(r.sandbox.git(r.gitDir, 'rev-parse', 'refs/heads/main')).to.equal(oid);
    expect(r.gateway.abandoned).to.have.length(0);
  });

  it('clears up after a client that leaves in the middle of its pack', async () => {
    const before = await files(r.gitDir);
    const { child, done } = r.sandbox.start('ssh', [...r.sshArgs(r.keys.writer), 'git@127.0.0.1', "git-receive-pack 'shop.git'"]);
    if (child.stdout) await once(child.stdout, 'data');
    const command = encodePkt(`${'0'.repeat(40)} ${'a'.repeat(40)} refs/heads/main\0 report-status atomic`);
    child.stdin?.write(Buffer.concat([command, FLUSH_PKT, Buffer.from('PACK\0\0\0\x02\0\0\0\x09')]));
    const objects = join(r.gitDir, 'objects');
    const quarantines = async (): Promise<string[]> => (await readdir(objects)).filter((name) => name.includes('incoming-'));
    await until('a quarantine', async () => (await quarantines()).length > 0);
    r.sandbox.kill(child);
    await done;
    await r.ssh.close(10_000);
    expect(await files(r.gitDir)).to.deep.equal(before);
    expect(await quarantines()).to.deep.equal([]);
    expect(r.gateway.validated).to.have.length(0);
  });

  it('takes two pushes at the same time, one after the other', async () => {
    commitFile(r, 'a.txt', 'one');
    const both = await Promise.all([r.push('HEAD:refs/heads/a'), r.push('HEAD:refs/heads/b')]);
    expect(both.map((p) => p.code)).to.deep.equal([0, 0]);
    expect(r.gateway.committed).to.have.length(2);
  });

  it('relays a pack of many megabytes both ways', async () => {
    const { randomBytes } = await import('node:crypto');
    commitFile(r, 'big.txt', randomBytes(6_000_000).toString('hex'));
    expect((await r.push('HEAD:refs/heads/main')).code).to.equal(0);
    const clone = r.sandbox.path('clone');
    const cloned = await r.sandbox.exec('git', ['clone', '--quiet', r.url(), clone], {
      GIT_SSH_COMMAND: r.sshCommand(r.keys.reader),
    });
    expect(cloned.stderr).to.equal('');
    expect(r.sandbox.git(clone, 'rev-parse', 'HEAD')).to.equal(r.sandbox.git(r.work, 'rev-parse', 'HEAD'));
  });

  it('refuses a push with plain file access', async () => {
    commitFile(r, 'a.txt', 'one');
    const pushed = await r.sandbox.exec('git', ['-C', r.work, 'push', r.gitDir, 'HEAD:refs/heads/main']);
    expect(pushed.code).to.equal(1);
    expect(rejectionIn(pushed.stderr)?.code).to.equal('REF_FORBIDDEN');
  });

  it('refuses a part of a push that git would drop by itself', async () => {
    r.sandbox.git(r.gitDir, 'config', 'receive.hideRefs', 'refs/secret');
    commitFile(r, 'a.txt', 'one');
    const pushed = await r.push('HEAD:refs/heads/main', 'HEAD:refs/secret/x');
    expect(rejectionIn(pushed.stderr)?.code).to.equal('REF_FORBIDDEN');
    expect(r.gateway.committed).to.have.length(0);
    expect(r.gateway.abandoned).to.have.length(1);
    expect(r.sandbox.git(r.gitDir, 'for-each-ref')).to.equal('');
  });
});

describe('stargate: bounds on a push', () => {
  const bounded = async (limits: Parameters<typeof rig>[0], check: (r: Rig) => Promise<void>): Promise<void> => {
    const r = await rig(limits);
    try {
      await check(r);
    } finally {
      await r.close();
    }
  };

  it('counts objects', () =>
    bounded({ limits: { maxObjects: 2 } }, async (r) => {
      commitFile(r, 'a.txt', 'one');
      const pushed = await r.push('HEAD:refs/heads/main');
      expect(pushed.code).to.not.equal(0);
      expect(rejectionIn(pushed.stderr)?.message).to.contain('3 objects');
      expect(r.gateway.validated).to.have.length(0);
    }));

  it('counts bytes', () =>
    bounded({ limits: { maxBytes: 1000 } }, async (r) => {
      commitFile(r, 'a.txt', (await import('node:crypto')).randomBytes(2000).toString('hex'));
      expect(rejectionIn((await r.push('HEAD:refs/heads/main')).stderr)?.code).to.equal('POLICY_VIOLATION');
    }));

  it('counts refs', () =>
    bounded({ limits: { maxCommands: 2 } }, async (r) => {
      commitFile(r, 'a.txt', 'one');
      expect((await r.push('HEAD:refs/heads/a', 'HEAD:refs/heads/b')).code).to.equal(0);
      const pushed = await r.push('HEAD:refs/heads/c', 'HEAD:refs/heads/d', 'HEAD:refs/heads/e');
      expect(rejectionIn(pushed.stderr)?.code).to.equal('POLICY_VIOLATION');
    }));

  it('lets no push keep the lock that stalls between verdict and commit', () =>
    bounded({ limits: { handover: 1500 } }, async (r) => {
      const hook = join(r.gitDir, 'hooks', 'proc-receive');
      const script = await readFile(hook, 'utf8');
      const stall = 'if mkdir "$GIT_DIR/stalled" 2>/dev/null; then exec sleep 50; fi';
      await writeFile(hook, script.replace('\n', `\n${stall}\n`));
      commitFile(r, 'a.txt', 'one');
      const started = performance.now();
      const both = await Promise.all([r.push('HEAD:refs/heads/a'), r.push('HEAD:refs/heads/b')]);
      expect(performance.now() - started).to.be.lessThan(30_000);
      expect(both.map(({ code }) => code === 0).sort()).to.deep.equal([false, true]);
      const stalled = both.find(({ code }) => code !== 0);
      expect(rejectionIn(stalled?.stderr ?? '')?.code).to.equal('IO_ERROR');
      expect([r.gateway.committed.length, r.gateway.abandoned.length]).to.deep.equal([1, 1]);
      expect(r.outcomes.map(({ kind }) => kind).sort()).to.deep.equal(['accepted', 'rejected']);
    }));

  it('ends a push that takes too long', () =>
    bounded({ limits: { timeout: 300 } }, async (r) => {
      const held = new Promise<void>(() => undefined);
      r.gateway.check = () => Promise.race([held, new Promise<void>((go) => setTimeout(go, 700))]);
      commitFile(r, 'a.txt', 'one');
      const pushed = await r.push('HEAD:refs/heads/main');
      expect(rejectionIn(pushed.stderr)?.code).to.equal('IO_ERROR');
      expect(r.sandbox.git(r.gitDir, 'for-each-ref')).to.equal('');
    }));
});
