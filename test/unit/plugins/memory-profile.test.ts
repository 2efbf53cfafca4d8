import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { type Composition, openProfile } from '../../../plugins/host/index.js';
import type { Journal } from '../../../ports/stargate/journal.js';
import type { LeaderLock } from '../../../ports/stargate/leader-lock.js';
import type { PortName } from '../../../ports/tokens.js';
import { ROOT } from '../../support/root.js';

/** A bare repository on a disk with its configuration, and the programs that serve it: the memory of one process has none. */
const OF_A_HOST: readonly PortName[] = [
  ...(['repository-host', 'repository-upkeep', 'bundle-archive', 'git-service', 'clone-config'] as const),
  'clone-config-writer',
];

/** Named by the profiles of servers that have others beside them. */
const OF_A_CLUSTER: readonly PortName[] = ['peer-transport', 'decision-log'];

/** The ports that the Stargate's sources ask a composition for. */
function asked(): Set<PortName> {
  const folder = join(ROOT, 'apps', 'stargate');
  const sources = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
  const text = sources.map((name) => readFileSync(join(folder, name), 'utf8')).join('\n');
  return new Set([...text.matchAll(/\.get<\w+>\('([a-z-]+)'\)/g)].map((match) => match[1] as PortName));
}

describe('the profile memory', () => {
  let composition: Composition;
  before(async () => {
    composition = await openProfile('memory', { directory: '/nonexistent', env: {} });
  });
  after(() => composition.close());

  it('gives every port that a Stargate asks for, but those of a host and of a cluster', async () => {
    const ports = asked();
    expect([...ports]).to.include.members([
      ...OF_A_HOST,
      'git-store',
      'journal',
      'leader-lock',
      'mirror-target',
      'signature-verifier',
    ]);
    for (const port of [...ports].filter((one) => !OF_A_HOST.includes(one) && !OF_A_CLUSTER.includes(one)))
      expect(await composition.get(port), port).to.be.an('object');
  });

  it('promises nothing that ends with the process', async () => {
    expect((await composition.get<Journal>('journal')).capabilities.durable).to.equal(false);
    expect((await composition.get<LeaderLock>('leader-lock')).capabilities.multiHost).to.equal(false);
  });

  it('shares nothing with another composition', async () => {
    const other = await openProfile('memory', { directory: '/nonexistent', env: {} });
    const leases = [];
    for (const one of [composition, other]) leases.push(await (await one.get<LeaderLock>('leader-lock')).acquire('leader'));
    expect(leases.map((lease) => lease?.term)).to.deep.equal([1, 1]);
    await other.close();
  });
});
