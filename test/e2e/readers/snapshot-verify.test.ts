import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { World } from '../../support/worlds/world.js';
import { THOROUGH } from '../../support/needs/thorough.js';

const KEYS = THOROUGH ? 60_000 : 12_000;

/** A table like Debian's `Packages`: one stanza a key. */
function packages(count: number): string {
  const lines: string[] = [];
  for (let i = 0; i < count; i++) {
    const name = `lib${i.toString(36)}-${i % 7 === 0 ? 'dev' : `perl5.${i % 40}`}`;
    const description = 'words that say what it is for '.repeat(1 + ((i * 7919) % 12));
    const value = `Package: ${name}\nVersion: ${i % 9}.${i}\nSection: libs\nDepends: libc6 (>= 2.${i % 36})\nDescription: ${description}\n`;
    lines.push(JSON.stringify({ op: 'set', key: `deb:${name}:${i}`, value }));
  }
  return `${lines.join('\n')}\n`;
}

describe('snapshot, import and verify through a Stargate', function () {
  this.timeout(600_000);
  let world: World;
  before(async () => {
    world = await World.create({ writers: ['ada', 'bob'], namespaces: ['main', 'copy', 'small'] });
    for (const person of ['ada', 'bob']) await world.clone(person);
    await writeFile(join(world.dir, 'packages.jsonl'), packages(KEYS));
  });
  after(() => world?.close());

  const ok = async (person: string, ...args: string[]): Promise<string> => {
    const ran = await world.kv(person, args, { timeout: 300_000 });
    expect(ran.code, ran.stdout + ran.stderr + world.daemonLog()).to.equal(0);
    return ran.stdout;
  };
  const json = async (person: string, ...args: string[]): Promise<Record<string, unknown>> =>
    JSON.parse(await ok(person, ...args, '--json')) as Record<string, unknown>;
  const contents = async (path: string): Promise<string> => {
    const text = await readFile(path, 'utf8');
    return text.slice(text.indexOf('\n') + 1);
  };

  it(`takes ${KEYS} keys in bounded time, and gives them back from another clone`, async () => {
    const started = Date.now();
    const report = await json('ada', 'import', join(world.dir, 'packages.jsonl'));
    expect(report).to.include({ format: 'batch', operations: KEYS, set: KEYS, landed: 'stargate' });
    expect(Date.now() - started, 'milliseconds').to.be.lessThan(120_000);
    await world.mirrored();
    const file = join(world.dir, 'bob.jsonl');
    expect(await json('bob', 'snapshot', '--export', file)).to.include({ keys: KEYS });
    await ok('bob', '--ns', 'copy', 'import', file, '--batch', '5000', '--message', 'a copy');
    await world.mirrored();
    const copy = join(world.dir, 'ada.jsonl');
    await ok('ada', '--ns', 'copy', 'snapshot', '--export', copy);
    expect(await contents(copy)).to.equal(await contents(file));
    expect(Date.now() - started, 'milliseconds').to.be.lessThan(300_000);
  });

  it('verifies every epoch that a clone has, and says which it has not', async () => {
    const large = join(world.dir, 'large');
    await writeFile(large, randomBytes(3_000_000));
    await ok('ada', '--ns', 'small', 'set', 'large', '--file', large);
    await ok('bob', '--ns', 'small', 'set', 'cfg:a', '1');
    await ok('bob', '--ns', 'small', 'del', 'cfg:a');
    const { parent_epoch: parentEpoch } = await json('ada', '--ns', 'small', 'epoch', 'new', '--label', 'second');
    await ok('bob', '--ns', 'small', 'set', 'cfg:b', '2');
    await world.mirrored();
    await ok('ada', '--ns', 'small', 'list', '--prefix', 'cfg:');
    const full = await json('ada', '--ns', 'small', 'verify', '--full');
    expect(full['faults']).to.deep.equal([]);
    expect(
      (full['epochs'] as { epoch: string; transactions: number }[]).map(({ epoch, transactions }) => [epoch, transactions]),
    ).to.deep.equal([
      ['second', 2],
      [parentEpoch, 3],
    ]);
    const fresh = await world.clone('bob', 'fresh');
    await world.kv('fresh', ['--ns', 'small', 'list'], { person: 'bob' });
    const ran = await world.kv('fresh', ['--ns', 'small', 'verify', '--full', '--json'], { person: 'bob' });
    expect(ran.code, ran.stderr).to.equal(0);
    const notes = (JSON.parse(ran.stdout) as { notes: string[] }).notes.join('\n');
    expect(notes)
      .to.contain(`epoch ${parentEpoch as string} and those before it are not in this clone`)
      .and.to.contain('1 chunked value was not held against its chunks');
    expect(
      (await world.git(fresh, 'bob', ['for-each-ref', 'refs/kv-tracking/mirror/kv-archive'])).stdout,
      'nothing was fetched',
    ).to.equal('');
  });

  it('a signer who may not write any more is a note, and no fault', async () => {
    const key = (await readFile(world.key('bob', '.pub'), 'utf8')).trim();
    await world.editPolicy((text) =>
      text
        .split('\n')
        .filter((line) => !line.includes(key.split(' ')[1] as string))
        .join('\n'),
    );
    await world.stop();
    await world.start();
    await world.mirrored();
    await ok('ada', '--ns', 'small', 'list');
    const report = await json('ada', '--ns', 'small', 'verify');
    expect((report['notes'] as string[]).join('\n')).to.contain('who is no writer of small any more');
    expect(report['faults']).to.deep.equal([]);
  });

  it('works without blobs in a partial clone, and says what was left out', async () => {
    const path = world.clonePath('partial');
    await world.git(world.mirror, 'ada', ['config', 'uploadpack.allowFilter', 'true']);
    await world.clone('ada', 'partial');
    await world.git(path, 'ada', ['config', 'remote.origin.promisor', 'true']);
    await world.git(path, 'ada', ['config', 'remote.origin.partialclonefilter', 'blob:none']);
    await world.kv('partial', ['--ns', 'small', 'list'], { person: 'ada' });
    const ran = await world.kv('partial', ['--ns', 'small', 'verify', '--full', '--json'], { person: 'ada' });
    expect(ran.code, ran.stdout + ran.stderr).to.equal(0);
    expect((JSON.parse(ran.stdout) as { notes: string[] }).notes.join('\n')).to.contain('made with a filter');
  });

  it('a tracking ref that was put on another ledger is a fault', async () => {
    const clone = world.clonePath('ada');
    const { stdout } = await world.git(clone, 'ada', ['rev-parse', 'refs/kv-tracking/mirror/kv/main']);
    await world.git(clone, 'ada', ['update-ref', 'refs/kv-tracking/mirror/kv/small', stdout.trim()]);
    const ran = await world.kv('ada', ['--ns', 'small', 'verify']);
    expect(ran.code, ran.stderr).to.equal(8);
    expect(ran.stdout).to.contain('points to a ledger of namespace main');
  });
});
