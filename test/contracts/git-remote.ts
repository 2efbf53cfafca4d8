import { expect } from 'chai';
import type { Direction } from '../../ports/git/git-remote.js';
import type { ObjectFormat } from '../../ports/vocabulary.js';
import {
  ATOMIC,
  create,
  fill,
  type GitRemoteBench,
  INDEX,
  MAIN,
  refsOf,
  request,
  type Suite,
  suiteOf,
} from './git-remote-parts/bench.js';
import { fetchContract } from './git-remote-parts/fetch.js';
import { pushContract } from './git-remote-parts/push.js';
import { rejects } from './git-store-parts/bench.js';

export type { GitRemoteBench } from './git-remote-parts/bench.js';

const FORMATS: readonly ObjectFormat[] = ['sha1', 'sha256'];

/** Every promise of the `git-remote` port, for both object formats. */
export function gitRemoteContract(name: string, factory: (format: ObjectFormat) => Promise<GitRemoteBench>): void {
  for (const format of FORMATS) {
    describe(`git-remote contract: ${name}, ${format}`, () => {
      let bench: GitRemoteBench;
      beforeEach(async () => {
        bench = await factory(format);
      });
      afterEach(async () => {
        for (const store of [bench.clone, bench.mirror, bench.writeSide]) await store.close();
        await bench.dispose();
      });
      const suite = suiteOf(format, () => bench);
      sidesContract(suite);
      pushContract(suite);
      fetchContract(suite);
    });
  }
}

/** What every call promises of the two sides. */
function sidesContract({ everything, unknown, at, bench, remote }: Suite): void {
  it('knows where each direction leads', async () => {
    const [read, write] = [await remote().url('origin', 'read'), await remote().url('origin', 'write')];
    expect(read).to.be.a('string').and.not.equal(write);
    expect(write).to.be.a('string');
    expect(await remote().url('nobody', 'read')).to.equal(null);
    await bench().forget('write');
    expect(await remote().url('origin', 'read')).to.equal(read);
    expect(await remote().url('origin', 'write')).to.equal(null);
  });

  it('lists the refs of a side, by whole names and globs', async () => {
    await fill(bench().mirror, everything, { [MAIN]: at(0), 'refs/kv/main2': at(1), 'refs/heads/refs/kv/main': at(1) });
    await fill(bench().writeSide, everything, { [MAIN]: at(2) });
    expect(await remote().listRefs('origin', 'read', [MAIN])).to.deep.equal(new Map([[MAIN, at(0)]]));
    expect([...(await remote().listRefs('origin', 'read', ['refs/kv/*'])).keys()].sort()).to.deep.equal([MAIN, 'refs/kv/main2']);
    const both = await remote().listRefs('origin', 'read', ['refs/kv/main2', 'refs/heads/*', INDEX]);
    expect([...both.keys()].sort()).to.deep.equal(['refs/heads/refs/kv/main', 'refs/kv/main2']);
    expect(await remote().listRefs('origin', 'write', ['refs/*'])).to.deep.equal(new Map([[MAIN, at(2)]]));
    expect((await remote().listRefs('origin', 'read', ['refs/none/*'])).size).to.equal(0);
    expect((await remote().listRefs('origin', 'read', [])).size).to.equal(0);
  });

  /** Everything that speaks to a side. */
  const calls = (name: string, direction: Direction): (() => Promise<unknown>)[] => [
    () => remote().listRefs(name, direction, ['refs/*']),
    () => remote().fetch(name, direction, [request(MAIN)]),
    () => remote().fetchObjects(name, direction, [unknown]),
    ...(direction === 'write' ? [() => remote().push(name, [create(MAIN, at(0))], ATOMIC)] : []),
  ];

  it('says CONFIG_INVALID, with a hint, of a remote that is not configured', async () => {
    await bench().clone.write(everything);
    await bench().forget('write');
    for (const call of [...calls('origin', 'write'), ...calls('nobody', 'read'), ...calls('nobody', 'write')])
      expect((await rejects(call(), 'CONFIG_INVALID')).hint).to.be.a('string');
  });

  it('says IO_ERROR, with a hint, of a side out of reach', async () => {
    await bench().clone.write(everything);
    for (const direction of ['read', 'write'] as const) {
      await bench().vanish(direction);
      for (const call of calls('origin', direction)) expect((await rejects(call(), 'IO_ERROR')).hint).to.be.a('string');
    }
  });

  it('takes no name, ref or id that a program could read as something else', async () => {
    await bench().clone.write(everything);
    for (const call of [...calls('--upload-pack=x', 'read'), () => remote().url('--upload-pack=x', 'read')])
      await rejects(call(), 'INPUT_INVALID');
    for (const ref of ['--mirror', '-f', 'main', 'refs/kv/a b', 'refs/kv/../x', 'refs/kv/a:refs/kv/b']) {
      await rejects(remote().push('origin', [create(ref, at(0))], ATOMIC), 'INPUT_INVALID');
      await rejects(remote().fetch('origin', 'read', [{ remoteRef: ref, localRef: MAIN }]), 'INPUT_INVALID');
      await rejects(remote().fetch('origin', 'read', [{ remoteRef: MAIN, localRef: ref }]), 'INPUT_INVALID');
      await rejects(remote().listRefs('origin', 'read', [ref]), 'INPUT_INVALID');
    }
    for (const oid of ['--all', 'HEAD', at(0).slice(0, 12)]) {
      await rejects(remote().push('origin', [create(MAIN, oid)], ATOMIC), 'INPUT_INVALID');
      await rejects(remote().push('origin', [{ ref: MAIN, old: oid, next: null }], ATOMIC), 'INPUT_INVALID');
      await rejects(remote().fetchObjects('origin', 'read', [oid]), 'INPUT_INVALID');
    }
    expect(await refsOf(bench().writeSide)).to.deep.equal({});
  });

  it('tells of progress between two empty lines, whether a transfer succeeds or not', async () => {
    await bench().clone.write(everything);
    await fill(bench().mirror, everything, { [MAIN]: at(2) });
    const told: string[] = [];
    const onProgress = (line: string): void => void told.push(line);
    const isTold = (): void => {
      expect(told.length).to.be.greaterThan(1);
      expect([told[0], told.at(-1)]).to.deep.equal(['', '']);
      for (const line of told) expect(line).not.to.match(/[\r\n]|kv-error/);
      told.length = 0;
    };
    await remote().push('origin', [create(MAIN, at(0))], { atomic: true, onProgress });
    isTold();
    await remote().fetch('origin', 'read', [request(MAIN)], { onProgress });
    isTold();
    await bench().refuse([`kv-error/1 ${JSON.stringify({ code: 'POLICY_VIOLATION', message: 'no' })}`]);
    await rejects(remote().push('origin', [create(INDEX, at(0))], { atomic: true, onProgress }), 'POLICY_VIOLATION');
    isTold();
  });
}
