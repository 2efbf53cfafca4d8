import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { World } from '../support/worlds/world.js';
import { THOROUGH } from '../support/needs/thorough.js';

/** Each writer's: together they are more packs than housekeeping may leave. */
const WRITES = THOROUGH ? 60 : 33;

describe('two writers racing on one namespace', () => {
  let world: World;
  before(async () => {
    world = await World.create({ writers: ['ada', 'bob'] });
    await Promise.all(['ada', 'bob'].map((person) => world.clone(person)));
  });
  after(() => world?.close());

  it(`${2 * WRITES} writes: every acknowledged one is in the history exactly once`, async function () {
    this.timeout(600_000);
    const acknowledged: string[] = [];
    let retries = 0;
    const writer = async (person: string): Promise<void> => {
      for (let i = 0; i < WRITES; i++) {
        const ran = await world.kv(person, ['set', `race:${person}:${i % 10}`, `${i}`, '--json']);
        if (ran.code !== 0) continue; // not acknowledged, so nothing is promised
        const receipt = JSON.parse(ran.stdout) as { commit: string; retries: number };
        acknowledged.push(receipt.commit);
        retries += receipt.retries;
      }
    };
    await Promise.all([writer('ada'), writer('bob')]);
    const { stdout } = await world.git(world.repo, 'ada', ['rev-list', 'refs/kv/main']);
    const history = stdout.trim().split('\n');
    expect(new Set(history).size).to.equal(history.length);
    expect(new Set(acknowledged).size).to.equal(acknowledged.length);
    expect(acknowledged.filter((oid) => !history.includes(oid))).to.deep.equal([]);
    expect(history).to.have.length(acknowledged.length);
    expect(acknowledged.length, 'retries must let every write land').to.equal(2 * WRITES);
    expect(retries, 'they must really have raced').to.be.greaterThan(0);
    const packs = (await readdir(join(world.repo, 'objects/pack'))).filter((name) => name.endsWith('.pack'));
    expect(packs.length, 'housekeeping must keep up with the packs').to.be.lessThan(60);
    const merges = await world.git(world.repo, 'ada', ['rev-list', '--min-parents=2', 'refs/kv/main']);
    expect(merges.stdout).to.equal('');
  });
});
