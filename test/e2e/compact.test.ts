import { randomBytes } from 'node:crypto';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { World } from '../support/worlds/world.js';
import { formatsOfSession } from '../support/needs/thorough.js';

const MIB = 1024 * 1024;

for (const hash of formatsOfSession('sha256')) {
  describe(`git kv compact (${hash})`, () => {
    let world: World;
    const labels: string[] = [];
    let live: Buffer;
    let first: Buffer | undefined;
    before(async () => {
      world = await World.create({ hash, writers: ['ada', 'bob'] });
      for (const person of ['ada', 'bob']) await world.clone(person);
      // Three past epochs, each with chunks of its own, and a current one with others.
      for (const label of ['e2', 'e3', 'e4', null]) {
        live = randomBytes(3 * MIB);
        await writeFile(join(world.dir, 'value'), live);
        first ??= live;
        await json('bob', 'set', 'model', join(world.dir, 'value'));
        if (label === null) break;
        await json('bob', 'set', `only:${label}`, label);
        await json('bob', 'del', 'model');
        labels.push((await json('ada', 'epoch', 'new', '--label', label))['parent_epoch'] as string);
      }
      await world.mirrored();
    });
    after(() => world?.close());

    const json = async (person: string, ...args: string[]): Promise<Record<string, unknown>> => {
      const ran = await world.kv(person, [...args, '--json']);
      expect(ran.code, ran.stdout + ran.stderr).to.equal(0);
      return JSON.parse(ran.stdout) as Record<string, unknown>;
    };
    const refsOf = async (label: string, repo?: string): Promise<string[]> =>
      [...(await world.refs(repo)).keys()].filter((ref) => ref.endsWith(`@${label}`) && !ref.includes('/kv-compacted/')).sort();
    const gone = (label: string): Promise<void> =>
      world.until(`the mirror has dropped ${label}`, async () => (await refsOf(label, world.mirror)).length === 0);
    const sound = async (): Promise<void> => {
      const fsck = await world.git(world.repo, 'ada', ['fsck', '--strict', '--no-dangling']);
      expect(fsck.code, fsck.stderr).to.equal(0);
      expect((await world.kv('bob', ['get', 'model', '--read-from=stargate', '--output', join(world.dir, 'out')])).code).to.equal(
        0,
      );
      expect((await readFile(join(world.dir, 'out'))).equals(live)).to.equal(true);
    };

    it('without a rule in the policy drops nothing, and says why', async () => {
      const ran = await world.kv('ada', ['compact']);
      expect(ran.code, ran.stderr).to.equal(0);
      expect(ran.stdout)
        .to.contain('nothing to drop in main: the policy keeps every epoch')
        .and.to.contain(`kept: e4 e3 e2 ${labels[0]}`);
    });

    it('is for admins, and never for the current epoch or one that is not there', async () => {
      const before = await world.refs();
      const attempts: [string, string[], number, string][] = [
        ['bob', ['compact', '--epoch', labels[0] as string], 3, 'is for admins'],
        ['ada', ['compact', '--epoch', 'e4'], 64, 'epoch e4 is the current one'],
        ['ada', ['compact', '--epoch', 'never'], 6, `has no archived epoch "never"`],
        ['ada', ['compact', '--epoch', '../../x'], 64, 'is no epoch label'],
        ['ada', ['compact', '--ns', 'other'], 6, 'namespace other has no ledger'],
      ];
      for (const [person, args, code, message] of attempts) {
        const ran = await world.kv(person, args);
        expect(ran.code, ran.stderr).to.equal(code);
        expect(ran.stderr).to.contain(message);
      }
      expect(await world.refs()).to.deep.equal(before);
    });

    it('--dry-run says what would go, with sizes, and changes nothing', async () => {
      const [refs, files] = [await world.refs(), await world.objectFiles()];
      const report = await json('ada', 'compact', '--epoch', labels[0] as string, '--dry-run');
      expect(report).to.include({ dry_run: true, reclaimed: false });
      expect(report).to.have.nested.property('epochs[0].epoch', labels[0]);
      expect(report['bytes_freed']).to.be.within(3 * MIB, 3.2 * MIB);
      expect([await world.refs(), await world.objectFiles()]).to.deep.equal([refs, files]);
    });

    it('drops one epoch on both sides, keeps it as a bundle, and frees its bytes', async () => {
      const label = labels[0] as string;
      const refs = await refsOf(label);
      expect(refs).to.deep.equal([
        `refs/kv-archive/main@${label}`,
        `refs/kv-chunks/main@${label}`,
        `refs/kv-watchlog/main@${label}`,
      ]);
      const tips = await world.refs();
      const report = await json('ada', 'compact', '--epoch', label);
      expect(report['bytes_freed'], JSON.stringify(report)).to.be.greaterThan(2.9 * MIB);
      expect(report).to.include({ reclaimed: true, dry_run: false });
      expect(await refsOf(label)).to.deep.equal([]);
      await gone(label);
      const bundle = join(world.repo, '.stargate', 'archives', `main@${label}.bundle`);
      expect((await stat(bundle)).size).to.equal((report['epochs'] as { bundle_bytes: number }[])[0]?.bundle_bytes);
      expect(await readdir(join(world.repo, '.stargate', 'archives'))).to.deep.equal([`main@${label}.bundle`]);
      await sound();
      // brought back, into an empty repository and with everything in it
      const back = join(world.dir, `back-${label}`);
      await world.git(world.dir, 'ada', ['init', '-q', '--bare', `--object-format=${hash}`, back]);
      const fetched = await world.git(back, 'ada', ['fetch', '-q', bundle, 'refs/*:refs/*']);
      expect(fetched.code, fetched.stderr).to.equal(0);
      const restored = await world.refs(back);
      for (const ref of refs) expect(restored.get(ref)).to.equal(tips.get(ref));
      const model = await world.git(back, 'ada', ['show', `refs/kv-archive/main@${label}:kv/main/data`]);
      expect(model.code, model.stderr).to.equal(0);
      const again = await world.kv('ada', ['compact', '--epoch', label]);
      expect([again.code, again.stderr.includes('was compacted already')]).to.deep.equal([6, true]);
    });

    it('a value of a dropped epoch, set again by a clone that has its chunks, is sent again', async () => {
      live = first as Buffer;
      await writeFile(join(world.dir, 'value'), live);
      await json('bob', 'set', 'model', join(world.dir, 'value'));
      await sound();
    });

    it('writes that go on meanwhile all land, and nothing they need is lost', async () => {
      const label = (await json('ada', 'epoch', 'new', '--label', 'busy'))['parent_epoch'] as string;
      let compacting = true;
      let landed = 0;
      const writing = (async () => {
        while (compacting) {
          await json('bob', 'set', 'only:busy', `${landed}`);
          landed += 1;
        }
      })();
      const report = await json('ada', 'compact', '--epoch', label);
      compacting = false;
      await writing;
      expect(report).to.have.property('reclaimed', true);
      expect((await world.kv('ada', ['get', 'only:busy', '--read-from=stargate'])).stdout).to.equal(`${landed - 1}`);
      await sound();
    });

    it('applies the policy: the newest so many stay', async () => {
      await world.editPolicy((text) => text.replace('enforce_readside: true', 'enforce_readside: true, keep_epochs: 1'));
      await world.until('the policy', async () => (await json('ada', 'compact', '--dry-run'))['keep_epochs'] === 1);
      const report = await json('ada', 'compact');
      expect((report['epochs'] as { epoch: string }[]).map(({ epoch }) => epoch)).to.deep.equal(['e2']);
      expect(report['kept']).to.deep.equal(['e3']);
      await gone('e2');
      await world.mirrored();
      expect(await refsOf('e3')).to.not.deep.equal([]);
      await sound();
      expect(await json('ada', 'compact'))
        .to.have.property('epochs')
        .that.deep.equals([]);
    });

    it('writing, reading and rolling over go on; a fresh clone reads from the mirror', async () => {
      await json('bob', 'set', 'only:later', '1');
      await json('ada', 'epoch', 'new', '--label', 'e5');
      await world.mirrored();
      await world.clone('bob', 'fresh');
      expect((await world.kv('fresh', ['get', 'only:e2'], { person: 'bob' })).stdout).to.equal('e2');
      await sound();
    });

    it('an epoch that the mirror never saw: the deletion does not hold the queue up', async () => {
      const away = `${world.mirror}.away`;
      const { rename } = await import('node:fs/promises');
      await rename(world.mirror, away);
      await json('bob', 'set', 'only:unseen', '1');
      await json('ada', 'epoch', 'new', '--label', 'e6');
      await json('ada', 'compact', '--epoch', 'e5');
      await rename(away, world.mirror);
      await world.mirrored();
      await gone('e5');
    });

    for (const failpoint of ['compact-bundled', 'compact-dropped'] as const) {
      it(`kill -9 at ${failpoint} leaves the refs or the bundle, and the next run finishes`, async () => {
        const label = `at-${failpoint}`;
        const old = (await json('ada', 'epoch', 'new', '--label', label))['parent_epoch'] as string;
        const before = await refsOf(old);
        await world.stop();
        await world.start({ GIT_KV_FAILPOINT: failpoint });
        expect((await world.kv('ada', ['compact', '--epoch', old])).code).to.not.equal(0);
        await world.ended();
        await world.start();
        const bundle = join(world.repo, '.stargate', 'archives', `main@${old}.bundle`);
        expect((await world.git(world.repo, 'ada', ['bundle', 'list-heads', bundle])).stdout.trim().split('\n')).to.have.length(
          before.length,
        );
        expect(await refsOf(old)).to.deep.equal(failpoint === 'compact-bundled' ? before : []);
        const report = await json('ada', 'compact', ...(failpoint === 'compact-bundled' ? ['--epoch', old] : []));
        expect(report).to.have.property('reclaimed', true);
        expect(await refsOf(old)).to.deep.equal([]);
        await gone(old);
        await sound();
      });
    }

    it('never writes over a bundle of another epoch that had the same label', async () => {
      const label = (await json('ada', 'epoch', 'new', '--label', 'twice'))['parent_epoch'] as string;
      const bundle = join(world.repo, '.stargate', 'archives', `main@${label}.bundle`);
      const other = join(world.repo, '.stargate', 'archives', 'main@e2.bundle');
      await writeFile(bundle, await readFile(other));
      const before = await world.refs();
      const ran = await world.kv('ada', ['compact', '--epoch', label]);
      expect([ran.code, ran.stderr.includes('holds other commits')], ran.stderr).to.deep.equal([2, true]);
      expect((await readFile(bundle)).equals(await readFile(other))).to.equal(true);
      expect(await refsOf(label)).to.deep.equal([...before.keys()].filter((ref) => ref.endsWith(`@${label}`)).sort());
    });
  });
}
