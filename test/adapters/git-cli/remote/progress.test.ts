import { expect } from 'chai';
import { progressIn } from '../../../../adapters/git-cli/process/progress.js';
import { openGitRemote } from '../../../../adapters/git-cli/remote/git-remote.js';
import { failure } from '../../../support/failure.js';
import { Sandbox } from '../../../support/worlds/sandbox.js';

describe("git-cli: git's progress", () => {
  it('is told line by line, the newest of each piece, whole; a kv-error line is not told', () => {
    const told: string[] = [];
    const hear = progressIn((line) => told.push(line));
    hear('Enumerating objects: 38, done.\nCounting objects:  50% (1/2)  \rCounting obj');
    expect(told).to.deep.equal(['Counting objects:  50% (1/2)']);
    hear('ects: 100% (2/2)\r\n\nremote: kv-err');
    hear('or/1 {"code":"USAGE","message":"no"}\n');
    expect(told.slice(1)).to.deep.equal(['Counting objects: 100% (2/2)']);
  });

  it('begins and ends with an empty line, whether the transfer succeeds or not', async () => {
    const sandbox = new Sandbox();
    try {
      const clone = sandbox.path('clone');
      sandbox.run('git', ['init', '-q', clone]);
      sandbox.git(clone, 'commit', '-q', '--allow-empty', '-m', 'x');
      sandbox.git(clone, 'remote', 'add', 'origin', sandbox.bare('mirror.git'));
      sandbox.git(clone, 'config', 'remote.origin.pushurl', sandbox.path('mirror.git'));
      const remote = await openGitRemote({ directory: clone, env: sandbox.env });
      const update = { ref: 'refs/kv/main', old: null, next: sandbox.git(clone, 'rev-parse', 'HEAD') };
      const told: string[] = [];
      await remote.push('origin', [update], { atomic: true, onProgress: (line) => told.push(line) });
      expect([told[0], told.at(-1)]).to.deep.equal(['', '']);
      // Only the newest line is told: where all of git's come at once, its last.
      expect(told.slice(1, -1).join('\n')).to.match(/^(?:(?:Enumerating|Counting|Writing) objects: |Total \d)/m);
      told.length = 0;
      sandbox.git(clone, 'config', 'remote.origin.url', sandbox.path('absent.git'));
      const request = { remoteRef: 'refs/kv/main', localRef: 'refs/t/main' };
      await failure(remote.fetch('origin', 'read', [request], { onProgress: (line) => told.push(line) }), 'IO_ERROR');
      expect([told[0], told.at(-1)]).to.deep.equal(['', '']);
    } finally {
      sandbox.remove();
    }
  });
});
