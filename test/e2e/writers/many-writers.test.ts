import { expect } from 'chai';
import { World } from '../../support/worlds/world.js';
import { THOROUGH } from '../../support/needs/thorough.js';

const WRITERS = THOROUGH ? 28 : 16;
/** More writers than clones: commands of one clone meet in its refs too. */
const CLONES = 4;

describe(`${WRITERS} writers with one key, all at once`, () => {
  let world: World;
  before(async () => {
    world = await World.create({ writers: ['ada'] });
    for (let i = 0; i < CLONES; i++) await world.clone('ada', `ada-${i}`);
  });
  after(() => world?.close());

  it('each land, whatever the others do meanwhile', async function () {
    this.timeout(240_000);
    const writers = Array.from({ length: WRITERS }, (_, i) => i);
    const set = (i: number) =>
      world.kv(`ada-${i % CLONES}`, ['set', `own:${i}`, '--value', `${i}`], { person: 'ada', timeout: 230_000 });
    const ran = await Promise.all(writers.map(set));
    expect(ran.filter(({ code }) => code !== 0).map(({ stderr }) => stderr)).to.deep.equal([]);
    const all = await world.kv('ada-0', ['get', '--prefix', 'own:', '--read-from=stargate'], { person: 'ada' });
    const wanted = writers.map((i) => `own:${i}\t${i}`);
    expect(all.stdout.trim().split('\n').sort()).to.deep.equal(wanted.sort());
  });
});
