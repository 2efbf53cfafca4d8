import { expect } from 'chai';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { openGitRemote } from '../../adapters/git-cli/remote/git-remote.js';
import { openGitStore } from '../../adapters/git-cli/store.js';
import type { GitRemote } from '../../ports/git-remote.js';
import type { Oid } from '../../ports/vocabulary.js';
import { commit, files } from '../contracts/git-objects.js';
import { failure } from '../support/failure.js';
import { Sandbox } from '../support/sandbox.js';

for (const format of ['sha1', 'sha256'] as const) {
  describe(`git-cli remote, ${format}`, () => {
    let sandbox: Sandbox;
    let mirror: string;
    let gate: string;
    let clone: string;
    let remote: GitRemote;
    let oids: Oid[];

    beforeEach(async () => {
      sandbox = new Sandbox();
      mirror = sandbox.bare('mirror.git', format);
      gate = sandbox.bare('gate.git', format);
      clone = sandbox.path('clone');
      sandbox.run('git', ['init', '-q', `--object-format=${format}`, clone]);
      sandbox.git(clone, 'remote', 'add', 'origin', mirror);
      sandbox.git(clone, 'config', 'remote.origin.pushurl', gate);
      oids = [];
      const store = await openGitStore({ directory: clone, env: sandbox.env });
      for (const i of [0, 1, 2]) {
        const { root, objects } = files(format, { a: String(i) });
        const made = commit(format, { tree: root, parents: oids.slice(-1), time: 1_700_000_000 + i });
        await store.write([...objects, made]);
        oids.push(made.oid);
      }
      await store.close();
      remote = await openGitRemote({ directory: clone, env: sandbox.env });
    });
    afterEach(() => sandbox.remove());

    const refsOf = (directory: string): string[] =>
      sandbox
        .git(directory, 'for-each-ref', '--format=%(refname) %(objectname)')
        .split('\n')
        .filter((line) => line !== '');
    const at = (i: number): Oid => oids[i] as Oid;
    const MAIN = 'refs/kv/main';
    const INDEX = 'refs/kv-index/main';

    it('knows both directions', async () => {
      expect(await remote.url('origin', 'read')).to.equal(mirror);
      expect(await remote.url('origin', 'write')).to.equal(gate);
      expect(await remote.url('nobody', 'read')).to.equal(null);
      await failure(remote.url('--upload-pack=x', 'read'), 'INPUT_INVALID');
    });

    it('pushes to the write side alone: creates, moves, deletes', async () => {
      await remote.push(
        'origin',
        [
          { ref: MAIN, old: null, next: at(0) },
          { ref: INDEX, old: null, next: at(0) },
        ],
        { atomic: true },
      );
      expect(refsOf(gate)).to.deep.equal([`${INDEX} ${at(0)}`, `${MAIN} ${at(0)}`]);
      await remote.push('origin', [{ ref: MAIN, old: at(0), next: at(1) }], { atomic: true });
      // Once more, as after an acknowledgement that was lost.
      await remote.push('origin', [{ ref: MAIN, old: at(0), next: at(1) }], { atomic: true });
      await remote.push('origin', [{ ref: INDEX, old: at(0), next: null }], { atomic: true });
      expect(refsOf(gate)).to.deep.equal([`${MAIN} ${at(1)}`]);
      expect(refsOf(mirror)).to.deep.equal([]);
    });

    it('answers a ref that had moved with CAS_CONFLICT, and moves none of the others', async () => {
      sandbox.git(clone, 'push', '-q', gate, `${at(1)}:${MAIN}`);
      const cases = [
        { ref: MAIN, old: null, next: at(2) },
        { ref: MAIN, old: at(0), next: at(2) },
        { ref: MAIN, old: at(2), next: at(0) },
        { ref: MAIN, old: at(0), next: null },
        { ref: 'refs/kv/gone', old: at(0), next: at(1) },
      ];
      for (const update of cases) {
        const other = { ref: INDEX, old: null, next: at(0) };
        const error = await failure(remote.push('origin', [other, update], { atomic: true }), 'CAS_CONFLICT');
        expect(error.details?.['ref']).to.equal(update.ref);
      }
      expect(refsOf(gate)).to.deep.equal([`${MAIN} ${at(1)}`]);
    });

    const hook = (body: string): void => {
      writeFileSync(`${gate}/hooks/pre-receive`, `#!/bin/sh\ncat >/dev/null\n${body}\n`);
      chmodSync(`${gate}/hooks/pre-receive`, 0o755);
    };
    const push = () => remote.push('origin', [{ ref: MAIN, old: null, next: at(0) }], { atomic: true });

    it('throws what the Stargate said', async () => {
      const line = {
        code: 'POLICY_VIOLATION',
        message: "the key 'x' is not allowed: é",
        hint: 'use another',
        details: { key: 'x' },
      };
      hook(`echo hello >&2; cat >&2 <<'END'\nkv-error/1 ${JSON.stringify(line)}\nEND\necho more >&2; exit 1`);
      const error = await failure(push(), 'POLICY_VIOLATION');
      expect({ message: error.message, hint: error.hint, details: error.details }).to.deep.equal({
        message: line.message,
        hint: line.hint,
        details: line.details,
      });
    });

    it('keeps a long line whole, and reads an unknown code as GIT_ERROR', async () => {
      hook(`echo 'kv-error/1 ${JSON.stringify({ code: 'FROM_THE_FUTURE', message: 'm'.repeat(20_000) })}' >&2; exit 1`);
      const error = await failure(push(), 'GIT_ERROR');
      expect(error.message).to.equal(`FROM_THE_FUTURE: ${'m'.repeat(20_000)}`);
    });

    it("gives git's own words for any other refusal", async () => {
      hook('echo no thanks >&2; exit 1');
      const error = await failure(push(), 'GIT_ERROR');
      expect(error.message).to.include(MAIN).and.include('no thanks');
      hook('echo kv-error/1 {broken >&2; exit 1');
      await failure(push(), 'GIT_ERROR');
    });

    it('needs a pushurl to push, and never pushes to the mirror instead', async () => {
      sandbox.git(clone, 'config', '--unset', 'remote.origin.pushurl');
      const error = await failure(push(), 'CONFIG_INVALID');
      expect(error.advice).to.deep.equal({ id: 'set-up-remote' });
      expect(refsOf(mirror)).to.deep.equal([]);
      await failure(remote.listRefs('origin', 'write', ['refs/*']), 'CONFIG_INVALID');
      await failure(remote.listRefs('nobody', 'read', ['refs/*']), 'CONFIG_INVALID');
      await failure(remote.fetch('nobody', 'read', [{ remoteRef: MAIN, localRef: MAIN }]), 'CONFIG_INVALID');
    });

    it('tells an unreachable side apart', async () => {
      sandbox.git(clone, 'config', 'remote.origin.pushurl', sandbox.path('absent.git'));
      const error = await failure(push(), 'IO_ERROR');
      expect(error.message).to.include('absent.git');
      sandbox.git(clone, 'config', 'remote.origin.pushurl', '--upload-pack=touch x');
      await failure(push(), 'CONFIG_INVALID');
      sandbox.git(clone, 'config', 'remote.origin.pushurl', 'ext::sh -c true');
      await failure(push(), 'CONFIG_INVALID');
    });

    it('lists the refs of a side', async () => {
      sandbox.git(clone, 'push', '-q', mirror, `${at(0)}:${MAIN}`, `${at(1)}:refs/kv/main2`, `${at(1)}:refs/heads/refs/kv/main`);
      sandbox.git(clone, 'push', '-q', gate, `${at(2)}:${MAIN}`);
      expect(await remote.listRefs('origin', 'read', [MAIN])).to.deep.equal(new Map([[MAIN, at(0)]]));
      expect([...(await remote.listRefs('origin', 'read', ['refs/kv/*'])).keys()]).to.deep.equal([MAIN, 'refs/kv/main2']);
      expect(await remote.listRefs('origin', 'write', ['refs/*'])).to.deep.equal(new Map([[MAIN, at(2)]]));
      expect((await remote.listRefs('origin', 'read', ['refs/none/*'])).size).to.equal(0);
    });

    it('fetches each side, forwards and back, and deletes what is no longer there', async () => {
      sandbox.git(clone, 'push', '-q', mirror, `${at(1)}:${MAIN}`, `${at(0)}:${INDEX}`, `${at(0)}:refs/kv/main2`);
      sandbox.git(clone, 'push', '-q', gate, `${at(2)}:${MAIN}`);
      const requests = [MAIN, INDEX, 'refs/kv-chunks/main@v1'].map((remoteRef) => ({
        remoteRef,
        localRef: remoteRef.replace('refs/', 'refs/kv-tracking/origin/'),
      }));
      const local = (): string[] => refsOf(clone).filter((line) => line.startsWith('refs/kv-tracking/'));
      const T = 'refs/kv-tracking/origin/';
      await remote.fetch('origin', 'read', requests);
      expect(local()).to.deep.equal([`${T}kv-index/main ${at(0)}`, `${T}kv/main ${at(1)}`]);
      await remote.fetch('origin', 'write', requests.slice(0, 1));
      expect(local()).to.deep.equal([`${T}kv-index/main ${at(0)}`, `${T}kv/main ${at(2)}`]);
      sandbox.git(mirror, 'update-ref', '-d', INDEX);
      sandbox.git(mirror, 'update-ref', 'refs/kv-chunks/main@v1', at(1));
      await remote.fetch('origin', 'read', requests);
      expect(local()).to.deep.equal([`${T}kv-chunks/main@v1 ${at(1)}`, `${T}kv/main ${at(1)}`]);
      sandbox.git(mirror, 'update-ref', '-d', 'refs/kv-chunks/main@v1');
      await remote.fetch('origin', 'read', requests);
      expect(local()).to.deep.equal([`${T}kv/main ${at(1)}`]);
    });

    it('asks once for a ref that it knows to be absent', async () => {
      sandbox.git(clone, 'push', '-q', mirror, `${at(1)}:${MAIN}`);
      const requests = [MAIN, INDEX].map((ref) => ({ remoteRef: ref, localRef: ref.replace('refs/', 'refs/t/') }));
      await remote.fetch('origin', 'read', requests);
      const log = sandbox.path('trace');
      const traced = await openGitRemote({ directory: clone, env: { ...sandbox.env, GIT_TRACE: log } });
      await traced.fetch('origin', 'read', requests);
      expect(readFileSync(log, 'utf8').match(/built-in: git fetch /g)?.length).to.equal(1);
    });

    it('fetches into a clone that has none of the objects', async () => {
      sandbox.git(clone, 'push', '-q', mirror, `${at(2)}:${MAIN}`);
      const other = sandbox.path('other');
      sandbox.run('git', ['init', '-q', `--object-format=${format}`, other]);
      // Relative, as git reads it: from the work tree's top.
      sandbox.git(other, 'remote', 'add', 'origin', '../mirror.git');
      const reader = await openGitRemote({ directory: other, env: sandbox.env });
      await reader.fetch('origin', 'read', [{ remoteRef: MAIN, localRef: 'refs/t/kv/main' }]);
      expect(sandbox.git(other, 'rev-list', '--count', 'refs/t/kv/main')).to.equal('3');
    });

    it('brings objects by their ids alone, without refs', async () => {
      sandbox.git(clone, 'push', '-q', mirror, `${at(2)}:${MAIN}`);
      const blob = (i: number): Oid => sandbox.git(clone, 'rev-parse', `${at(i)}:a`);
      const other = sandbox.path('other');
      sandbox.run('git', ['init', '-q', `--object-format=${format}`, other]);
      sandbox.git(other, 'remote', 'add', 'origin', mirror);
      const reader = await openGitRemote({ directory: other, env: sandbox.env });
      await reader.fetchObjects('origin', 'read', [blob(1), blob(2)]);
      expect(sandbox.git(other, 'count-objects')).to.match(/^2 objects/);
      expect(sandbox.git(other, 'cat-file', 'blob', blob(1))).to.equal('1');
      expect(refsOf(other)).to.deep.equal([]);
      await failure(reader.fetchObjects('origin', 'read', [blob(0), 'a'.repeat(at(0).length)]), 'NOT_FOUND');
      await failure(reader.fetchObjects('origin', 'read', ['--upload-pack=x']), 'INPUT_INVALID');
      // The older protocol gives only what refs name.
      sandbox.git(other, 'config', 'protocol.version', '0');
      await failure(reader.fetchObjects('origin', 'read', [blob(0)]), 'NOT_FOUND');
    });
  });
}
