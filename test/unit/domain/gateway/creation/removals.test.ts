import { expect } from 'chai';
import type { Removal } from '../../../../../domain/gateway/creation/removal-wire.js';
import { Removals } from '../../../../../domain/gateway/creation/removals.js';
import { KvError } from '../../../../../ports/error.js';
import { thrownBy } from '../../../../contracts/mirror-target.js';

const ID = 'ab'.repeat(16);

/** What lies on one server's disk. */
class Disk {
  readonly log: Removal[] = [];
  readonly repositories = new Map<string, string>([['ada/shop', ID]]);
  readonly aside: string[] = [];
  inUse = false;
}

/** Servers of one process. */
class Servers {
  readonly disks = new Map<string, Disk>();
  private readonly running = new Map<string, Removals>();
  readonly failed: string[] = [];

  constructor(private readonly names: readonly string[]) {
    for (const name of names) this.disks.set(name, new Disk());
  }

  disk(name: string): Disk {
    return this.disks.get(name) as Disk; // one for each name
  }

  at(name: string): Removals {
    return this.running.get(name) as Removals; // it was started
  }

  async start(name: string): Promise<void> {
    const disk = this.disk(name);
    const others = this.names.filter((other) => other !== name);
    const removals = new Removals({
      store: {
        removed: async () => [...disk.log],
        append: async (removal) => void disk.log.push(removal),
        idOf: async (repository) => disk.repositories.get(repository) ?? null,
        async takeAway({ repository, repositoryId }) {
          if (disk.inUse) throw new KvError('BUSY', `${repository} is in use`);
          if (disk.repositories.get(repository) !== repositoryId) return;
          disk.repositories.delete(repository);
          disk.aside.push(repositoryId);
        },
      },
      peers: {
        count: others.length,
        known: () => others,
        ask: async (peer, message) => {
          const other = this.running.get(peer);
          if (other === undefined) throw new KvError('IO_ERROR', `${peer} can't be reached`);
          return other.answer(structuredClone(message));
        },
      },
      failed: (what) => this.failed.push(`${name}: ${what}`),
    });
    await removals.start();
    this.running.set(name, removals);
  }

  stop(name: string): void {
    this.running.delete(name);
  }
}

describe('removing a repository from several servers', () => {
  let servers: Servers;
  beforeEach(async () => {
    servers = new Servers(['one', 'two', 'three']);
    for (const name of ['one', 'two', 'three']) await servers.start(name);
  });

  it('takes it away everywhere; one that was away hears of it later, and so does one whose disk was lost', async () => {
    servers.stop('three');
    expect(await servers.at('one').remove('ada/shop')).to.deep.equal({ peersConfirmed: 1, replicated: true });
    await servers.at('two').tick();
    for (const name of ['one', 'two']) expect(servers.disk(name).aside, name).to.deep.equal([ID]);
    await servers.start('three');
    await servers.at('three').tick();
    expect(servers.disk('three').aside).to.deep.equal([ID]);
    servers.stop('one');
    servers.disks.set('one', new Disk());
    await servers.start('one');
    await servers.at('two').tick(); // its log is shorter than it was
    await servers.at('one').tick();
    expect(servers.disk('one').aside).to.deep.equal([ID]);
    expect(servers.at('one').has(ID)).to.equal(true);
  });

  it('removes nothing without a majority, and nothing that is not there', async () => {
    servers.stop('two');
    servers.stop('three');
    expect((await thrownBy(servers.at('one').remove('ada/shop'))).code).to.equal('IO_ERROR');
    expect(servers.disk('one').repositories.size).to.equal(1);
    expect((await thrownBy(servers.at('one').remove('ada/none'))).code).to.equal('NOT_FOUND');
  });

  it('waits where it is in use, over a start too, and leaves another one of its name alone', async () => {
    servers.disk('two').inUse = true;
    await servers.at('one').remove('ada/shop');
    await servers.at('two').tick();
    expect(servers.disk('two').aside).to.deep.equal([]);
    expect(servers.failed).to.include('two: remove ada/shop');
    await servers.start('two');
    servers.disk('two').inUse = false;
    await servers.at('two').tick();
    expect(servers.disk('two').aside).to.deep.equal([ID]);
    servers.disk('one').repositories.set('ada/shop', 'cd'.repeat(16));
    await servers.at('one').tick();
    expect(servers.disk('one').repositories.size).to.equal(1);
  });
});
