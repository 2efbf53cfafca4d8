import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { World } from '../support/worlds/world.js';
import { fuzz } from './run.js';

const SECONDS = Number(process.env['FUZZ_SECONDS'] ?? 20);
const SEED = Number(process.env['FUZZ_SEED'] ?? 1);
const CASE = process.env['FUZZ_CASE'];
const MiB = 1024 * 1024;

describe('fuzzing', () => {
  let world: World;
  before(async () => {
    world = await World.create({ alone: true });
    await world.clone('ada');
  });
  after(() => world.close());

  const kv = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await world.kv('ada', args);
    expect(code, `git kv ${args.join(' ')}: ${stderr}${stdout}`).to.equal(0);
    return stdout;
  };

  it(`leaves a Stargate alive, small and sound: ${SECONDS} s of seed ${SEED}`, async function () {
    this.timeout(SECONDS * 1000 + 120_000);
    await kv('set', 'before', '1');
    const target = {
      ssh: world.port,
      http: Number(world.http.split(':').at(-1)),
      key: await readFile(world.key('ada')),
      tip: (await world.refs()).get('refs/kv/main') ?? '',
    };
    const only = CASE === undefined ? {} : { only: Number(CASE) };
    const report = await fuzz(world, { seconds: SECONDS, seed: SEED, target, ...only });
    if (process.env['FUZZ_SECONDS'] !== undefined) console.log(report);
    expect(report.cases, 'cases').to.be.greaterThan(CASE === undefined ? SECONDS : 0);
    expect(report.memory.most - report.memory.before, 'growth in memory').to.be.lessThan(150 * MiB);

    // It still does its work, and holds nothing that it shouldn't.
    expect(JSON.parse(await kv('stargate', 'status', '--json'))).to.have.nested.property('status.leader', true);
    await kv('set', 'after', '2');
    await world.mirrored();
    expect(await kv('get', 'before')).to.equal('1');
    await kv('verify', '--full');
    await world.until('no quarantine is left', async () =>
      (await readdir(join(world.repo, 'objects'))).every((name) => !name.startsWith('tmp_objdir')),
    );
    const refs = [...(await world.refs()).keys()].filter((ref) => !/^refs\/(heads|tags)\/fuzz/.test(ref));
    expect(
      refs.every((ref) => /^refs\/(?:kv(?:-[a-z]+)?)\/[\w@.-]+$/.test(ref)),
      refs.join(' '),
    ).to.equal(true);
    const fsck = await world.git(world.repo, 'ada', ['fsck', '--full', '--strict', '--no-dangling']);
    expect([fsck.code, fsck.stderr.replace(/^.*(?:Checking|notice:).*$/gm, '').trim()]).to.deep.equal([0, '']);
  });
});
