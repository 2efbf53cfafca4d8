import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { expect } from 'chai';
import { openGitRemote } from '../../../../adapters/git-cli/remote/git-remote.js';
import { nodeHasher } from '../../../../adapters/hasher-node/open.js';
import { encodeCommit } from '../../../../domain/git/commit.js';
import { ObjectNamer } from '../../../../domain/git/object.js';
import type { GitRemote } from '../../../../ports/git/git-remote.js';
import type { NewObject } from '../../../../ports/git/git-store.js';
import type { ObjectFormat, RefUpdate } from '../../../../ports/vocabulary.js';
import { failure } from '../../../support/failure.js';
import { Sandbox } from '../../../support/worlds/sandbox.js';
import { until } from '../../../support/until.js';

const [LEDGER, INDEX] = ['refs/kv/main', 'refs/kv-index/main'];

/**
 * Pushes of objects that the clone itself hasn't got: git could not send them, so that what arrives came over a connection of our own.
 */
for (const format of ['sha1', 'sha256'] as const satisfies readonly ObjectFormat[]) {
  describe(`git-cli: a push over a connection of its own, ${format}`, () => {
    let sandbox: Sandbox;
    let host: string;
    let clone: string;
    let namer: ObjectNamer;
    const remotes: GitRemote[] = [];

    before(() => {
      namer = new ObjectNamer(nodeHasher(), format);
    });
    beforeEach(() => {
      sandbox = new Sandbox();
      host = sandbox.bare('host.git', format);
      clone = sandbox.path('clone');
      sandbox.run('git', ['init', '-q', `--object-format=${format}`, clone]);
      sandbox.git(clone, 'config', 'ssh.variant', 'ssh');
      for (const name of ['url', 'pushurl']) sandbox.git(clone, 'config', `remote.origin.${name}`, `ssh://git@localhost${host}`);
    });
    afterEach(async () => {
      for (const remote of remotes.splice(0)) await remote.close?.();
      sandbox.remove();
    });

    /** The remote, behind a program in the place of ssh that runs the other side's command on this machine. */
    async function remote(body = 'exec sh -c "$command"', env: Record<string, string> = {}): Promise<GitRemote> {
      const path = sandbox.path('ssh');
      writeFileSync(path, `#!/bin/bash\nfor command; do :; done\necho >> ${sandbox.path('called')}\n${body}\n`);
      chmodSync(path, 0o755);
      const opened = await openGitRemote({ directory: clone, env: { ...sandbox.env, GIT_SSH_COMMAND: path, ...env } });
      remotes.push(opened);
      return opened;
    }

    const calls = (): number => (existsSync(sandbox.path('called')) ? sandbox.run('cat', [sandbox.path('called')]).length : 0);
    const tip = (ref: string): string => sandbox.git(host, 'rev-parse', ref);
    /** A commit of an empty tree, with what it reaches. */
    function commit(message: string, parent: string | null = null): { readonly oid: string; readonly objects: NewObject[] } {
      const tree = namer.object('tree', new Uint8Array(0));
      const who = 'ada <ada@example.org> 1700000000 +0000';
      const fields = {
        tree: tree.oid,
        parents: parent === null ? [] : [parent],
        author: who,
        committer: who,
        message,
        signature: null,
      };
      const made = namer.object('commit', encodeCommit(fields, format));
      return { oid: made.oid, objects: [tree, made] };
    }
    const creation = (oid: string): RefUpdate[] => [LEDGER, INDEX].map((ref) => ({ ref, old: null, next: oid }));

    it('brings objects and moves refs, over the connection that was opened before it was asked for', async () => {
      const to = await remote();
      to.expectPush?.('origin');
      to.expectPush?.('origin');
      const first = commit('one');
      await to.push('origin', creation(first.oid), { atomic: true, objects: first.objects });
      expect([tip(LEDGER), tip(INDEX)]).to.deep.equal([first.oid, first.oid]);
      const second = commit('two', first.oid);
      const move = { ref: LEDGER, old: first.oid, next: second.oid };
      await to.push('origin', [move], { atomic: true, objects: second.objects });
      await to.push('origin', [move], { atomic: true, objects: second.objects }); // its answer was lost, say
      expect(tip(LEDGER)).to.equal(second.oid);
      expect(calls()).to.equal(3);
      expect(sandbox.run('git', ['-C', host, 'fsck', '--strict']).toString()).to.equal('');
    });

    it('tells what the push belongs to, to a side that takes push options, as git does too', async () => {
      const told = sandbox.path('told');
      writeFileSync(`${host}/hooks/pre-receive`, `#!/bin/sh\necho "$GIT_PUSH_OPTION_COUNT $GIT_PUSH_OPTION_0" >> ${told}\n`);
      chmodSync(`${host}/hooks/pre-receive`, 0o755);
      const trace = { traceId: '4b'.repeat(16), spanId: '00f0'.repeat(4), sampled: true };
      const to = await remote();
      let old: string | null = null;
      for (const takes of ['false', 'true']) {
        sandbox.git(host, 'config', 'receive.advertisePushOptions', takes);
        const direct = commit(`direct ${takes}`, old);
        await to.push('origin', [{ ref: LEDGER, old, next: direct.oid }], { atomic: true, objects: direct.objects, trace });
        sandbox.git(clone, 'fetch', '-q', host, LEDGER);
        const next = sandbox.git(clone, 'commit-tree', '-p', direct.oid, '-m', takes, `${direct.oid}^{tree}`);
        await to.push('origin', [{ ref: LEDGER, old: direct.oid, next }], { atomic: true, trace });
        old = next;
      }
      const option = `traceparent=00-${trace.traceId}-${trace.spanId}-01`;
      expect(readFileSync(told, 'utf8')).to.equal(`0 \n0 \n1 ${option}\n1 ${option}\n`);
    });

    it('finds before it sends anything that a ref is elsewhere', async () => {
      const to = await remote();
      const [first, other] = [commit('one'), commit('other')];
      await to.push('origin', creation(first.oid), { atomic: true, objects: first.objects });
      for (const old of [null, other.oid]) {
        const move = { ref: INDEX, old, next: other.oid };
        const error = await failure(to.push('origin', [move], { atomic: true, objects: other.objects }), 'CAS_CONFLICT');
        expect(error.details).to.deep.equal({ ref: INDEX });
      }
      expect(sandbox.run('git', ['-C', host, 'count-objects']).toString()).to.match(/^2 objects/);
    });

    it('gives the words of a hook that refuses, and what a Stargate says as what it is', async () => {
      const hook = (body: string): void => {
        writeFileSync(`${host}/hooks/pre-receive`, `#!/bin/sh\n${body}\nexit 1\n`);
        chmodSync(`${host}/hooks/pre-receive`, 0o755);
      };
      const to = await remote();
      const { oid, objects } = commit('one');
      hook('echo not today >&2');
      const refused = await failure(to.push('origin', creation(oid), { atomic: true, objects }), 'GIT_ERROR');
      expect(refused.message).to.contain('pre-receive hook declined').and.to.contain('not today');
      hook(`echo 'kv-error/1 {"code":"POLICY_VIOLATION","message":"too large","hint":"smaller"}' >&2`);
      const heard: string[] = [];
      const lines: string[] = [];
      const onRemoteLine = (line: string): void => void lines.push(line);
      const options = { atomic: true, objects, onRemoteLine, onProgress: (line: string) => void heard.push(line) };
      const said = await failure(to.push('origin', creation(oid), options), 'POLICY_VIOLATION');
      expect([said.message, said.hint]).to.deep.equal(['too large', 'smaller']);
      expect(lines.filter((line) => line.startsWith('kv-error/1 '))).to.have.length(1);
      expect(heard.filter((line) => line.includes('kv-error'))).to.deep.equal([]);
      expect([heard[0], heard.at(-1)]).to.deep.equal(['', '']);
    });

    it('says why there is no connection, and that one broke', async () => {
      const { oid, objects } = commit('one');
      const push = async (body: string): Promise<string> => {
        const to = await remote(body);
        return (await failure(to.push('origin', creation(oid), { atomic: true, objects }), 'IO_ERROR')).message;
      };
      expect(await push('echo "git@localhost: Permission denied (publickey)." >&2; exit 255')).to.contain('Permission denied');
      expect(await push('echo "ssh: connect to host localhost port 22: Connection refused" >&2; exit 255')).to.contain('refused');
      expect(await push('echo Welcome to this machine; exit 0')).to.contain('Could not read from remote repository');
      const cut = `git receive-pack ${host} < <(head -c 4) & sleep 0.2; kill $!; exit 1`;
      expect(await push(cut)).to.match(/hung up|Could not read/);
    });

    it('may take longer than kv.timeout between the greeting and what is pushed', async () => {
      sandbox.git(clone, 'config', 'kv.timeout', '300ms');
      const { oid, objects } = commit('one');
      const to = await remote(`exec sh -c "$command"`);
      to.expectPush?.('origin');
      await new Promise((resolve) => setTimeout(resolve, 2500)); // the limit is looked at from the first second on
      await to.push('origin', creation(oid), { atomic: true, objects });
      expect(tip(LEDGER)).to.equal(oid);
    });

    it('ends a client that says nothing for as long as kv.timeout allows', async () => {
      sandbox.git(clone, 'config', 'kv.timeout', '500ms');
      const { oid, objects } = commit('one');
      const to = await remote('exec sleep 60');
      const error = await failure(to.push('origin', creation(oid), { atomic: true, objects }), 'IO_ERROR');
      expect(error.message).to.contain('no answer from');
    });

    for (const [what, settings, env] of [
      ['url.<base>.insteadOf', [['url.ssh://git@elsewhere/.insteadOf', 'ssh://git@nowhere/']], {}],
      ['protocol.<name>.allow', [['protocol.ssh.allow', 'always']], {}],
      ['another receive-pack', [['remote.origin.receivepack', 'git-receive-pack']], {}],
      ['a client whose options are not known', [['ssh.variant', 'simple']], {}],
      ['a trace', [], { GIT_TRACE: '0' }],
    ] as const) {
      it(`leaves the push to git for ${what}`, async () => {
        for (const [name, value] of settings) sandbox.git(clone, 'config', name, value);
        const { oid, objects } = commit('one');
        const to = await remote(undefined, env);
        // git has not got these objects.
        await failure(to.push('origin', creation(oid), { atomic: true, objects }), 'GIT_ERROR');
      });
    }

    /** A Stargate that grants a turn at once, after a sign of life, and becomes a receive-pack. */
    const granting = (token: string): string =>
      `case "$command" in *kv-admin*) printf '\\n%s\\n' '{"token":"${token}","ns":"main"}'; exec git receive-pack ${host};; esac; exec sh -c "$command"`;

    it('goes over the connection on which its turn was asked for', async () => {
      const to = await remote(granting('a1'));
      to.expectPush?.('origin');
      const turn = await to.askToPush?.('origin', 'turn', ['main', "it's"]);
      expect(turn?.answer).to.deep.equal({ token: 'a1', ns: 'main' });
      expect(calls()).to.be.within(1, 2); // the connection that was expected is left, if it had been begun
      const before = calls();
      const { oid, objects } = commit('one');
      await to.push('origin', creation(oid), { atomic: true, objects, turn: 'a1' });
      expect([tip(LEDGER), calls()]).to.deep.equal([oid, before]);
      turn?.release();
      const next = commit('two', oid);
      await to.push('origin', [{ ref: LEDGER, old: oid, next: next.oid }], { atomic: true, objects: next.objects, turn: 'a1' });
      expect([tip(LEDGER), calls()], 'a turn that is over').to.deep.equal([next.oid, before + 1]);
    });

    it('leaves a turn to its own push, and gives it back when it is released', async () => {
      const to = await remote(
        `trap 'echo "$command" >> ${sandbox.path('ended')}' EXIT; ${granting('a1').replaceAll('exec ', '')}`,
      );
      const turn = await to.askToPush?.('origin', 'turn', ['main']);
      const { oid, objects } = commit('one');
      await to.push('origin', creation(oid), { atomic: true, objects });
      expect(calls()).to.equal(2);
      turn?.release();
      turn?.release();
      await until(
        'the turn has ended',
        () => existsSync(sandbox.path('ended')) && /turn/.test(readFileSync(sandbox.path('ended'), 'utf8')),
      );
    });

    it('says why there is no turn', async () => {
      const ask = async (body: string) => (await remote(body)).askToPush?.('origin', 'turn', ['main', '--push', '-', '-']);
      const said = `kv-error/1 {"code":"USAGE","message":"'turn' does not know '--push'","hint":""}`;
      await failure(ask(`cat > /dev/null < /dev/null; echo ${JSON.stringify(said).replaceAll('`', '')} >&2; exit 64`), 'USAGE');
      await failure(ask('echo Welcome; exit 0'), 'IO_ERROR');
      await failure(ask('echo "{}"; exit 0'), 'FORMAT_UNSUPPORTED');
      await failure(ask('exit 255'), 'IO_ERROR');
      await failure((await remote()).askToPush?.('origin', '--verb', []) ?? expect.fail('it asks'), 'INPUT_INVALID');
      sandbox.git(clone, 'config', 'url.ssh://git@elsewhere/.insteadOf', 'ssh://git@nowhere/');
      expect(await ask('exit 1'), 'the way is git’s').to.equal(null);
    });

    it('leaves a connection that no push came for without a trace', async () => {
      const to = await remote(`trap 'echo > ${sandbox.path('ended')}' EXIT; sh -c "$command"`);
      to.expectPush?.('origin');
      await until('the client has started', () => calls() === 1);
      await to.close?.();
      await until('the client has ended', () => existsSync(sandbox.path('ended')));
      expect(sandbox.run('git', ['-C', host, 'for-each-ref']).toString()).to.equal('');
    });
  });
}
