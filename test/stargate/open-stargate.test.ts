import { readFile, writeFile } from 'node:fs/promises';
import { createPrivateKey } from 'node:crypto';
import { join } from 'node:path';
import { expect } from 'chai';
import ssh2 from 'ssh2';
import { openStargate, type OpenStargateOptions, type Receipt, type Stargate } from '../../apps/sdk/index.js';
import { KvError } from '../../ports/error.js';
import { failure } from '../support/failure.js';
import { World } from '../support/worlds/world.js';

const sequenced = (text: string): string => text.replace('ledger_mode: linear', 'ledger_mode: sequenced');
const COUNT = 500;

describe('a Stargate that is opened by a program, without a clone', function () {
  this.timeout(120_000);
  let world: World;
  let open: Stargate[];

  before(async () => {
    world = await World.create({ writers: ['ada'], strangers: ['eve'], policy: sequenced });
    await world.git(world.dir, 'ada', ['ls-remote', world.pushUrl]); // ssh notes the host key
  });
  after(() => world?.close());
  beforeEach(() => {
    open = [];
  });
  afterEach(async () => {
    for (const one of open) await one.close();
  });

  const connect = async (more: Partial<OpenStargateOptions> = {}): Promise<Stargate> => {
    const known = { knownHosts: join(world.dir, 'known_hosts'), ...more };
    const options = { url: world.pushUrl, key: world.key('ada'), author: 'ada <ada@example.com>', ...known };
    const stargate = await openStargate(options);
    open.push(stargate);
    return stargate;
  };
  const ledger = async (): Promise<string[]> => {
    const format = '--format=%(trailers:key=KV-Txn,valueonly,separator=)';
    return (await world.git(world.repo, 'ada', ['log', format, 'refs/kv/main'])).stdout.trim().split('\n');
  };

  it('writes what a clone writes, and is told what comes of it', async () => {
    const stargate = await connect();
    const { commit, txn, set } = await stargate.set('a', '1');
    expect(set).to.deep.equal(['a']);
    expect(await ledger()).to.deep.equal([txn]);
    const gone = await stargate.transact([
      { op: 'set', key: 'b', value: '2', ttl: 3_600_000 },
      { op: 'del', key: 'a' },
    ]);
    expect(gone).to.deep.include({ set: ['b'], del: ['a'], landed: 'stargate', visible: null });
    expect(gone.commit).to.not.equal(commit);
    await failure(stargate.del('a'), 'NOT_FOUND');
    expect((await failure(stargate.cas('b', '3', { expect: null }), 'CAS_CONFLICT')).details).to.include({ key: 'b' });
    const large = await stargate.setStream('large', [new Uint8Array(2 * 1024 * 1024), new Uint8Array(1024)]);
    expect(large.chunked.map(({ size }) => size)).to.deep.equal([2 * 1024 * 1024 + 1024]);
    const noise = Uint8Array.from({ length: 12 * 1024 * 1024 }, (_, i) => (i * 2654435761) >>> 13);
    await failure(stargate.set('larger', noise), 'NOT_SUPPORTED');
    await failure(stargate.set('a', '1', { wait: true }), 'NOT_SUPPORTED');
    const told = await failure(stargate.set('a', '1', { signal: AbortSignal.abort() }), 'INTERRUPTED');
    expect(told.details).to.equal(undefined); // nothing was sent, so nothing is in doubt
    await world.clone('ada');
    expect((await world.kv('ada', ['get', 'large', '--read-from=stargate'])).stdout).to.have.length(large.bytes);
    await stargate.close();
    await failure(stargate.set('a', '1'), 'USAGE');
  });

  it('is the one that is known by its host key, and knows whose key it is', async () => {
    const error = await failure(connect({ knownHosts: join(world.dir, 'nothing') }), 'IO_ERROR');
    expect(error.message).to.contain('is not known');
    const other = await failure(connect({ fingerprint: `SHA256:${'A'.repeat(43)}` }), 'IO_ERROR');
    const fingerprint = /SHA256:[A-Za-z0-9+/]{43}/.exec(other.message)?.[0] ?? '';
    expect(other.message).to.contain('not the one that is known');
    expect((await connect({ fingerprint })).repository).to.match(/./);
    await failure(connect({ fingerprint: 'SHA256:short' }), 'USAGE');
    expect((await failure(connect({ key: world.key('eve') }), 'IO_ERROR')).message).to.contain('does not know the key');
    await failure(connect({ key: 'no key' }), 'CONFIG_INVALID');
    const text = await readFile(world.key('ada'), 'utf8');
    const parsed = ssh2.utils.parseKey(text);
    if (parsed instanceof Error) throw parsed;
    const pem = createPrivateKey(parsed.getPrivatePEM()).export({
      type: 'pkcs8',
      format: 'pem',
      cipher: 'aes-256-cbc',
      passphrase: 'p',
    });
    await failure(connect({ key: pem.toString() }), 'CONFIG_INVALID');
    await (await connect({ key: pem.toString(), passphrase: 'p' })).set('by-pem', '1');
    const line =
      (await readFile(join(world.dir, 'known_hosts'), 'utf8')).split('\n').find((each) => each.includes('ssh-ed25519')) ?? '';
    const wide = join(world.dir, 'patterns');
    await writeFile(wide, `# a comment\n*.example.org,[127.0.0.?]:* ${line.slice(line.indexOf(' ') + 1)}\n`);
    expect((await connect({ knownHosts: wide })).ns).to.equal('main');
    await writeFile(wide, `@revoked * ${line.slice(line.indexOf(' ') + 1)}\n${line}\n`);
    await failure(connect({ knownHosts: wide }), 'IO_ERROR');
  });

  it(`orders ${COUNT} intents on one connection, each once, though it dies in the middle`, async () => {
    const stargate = await connect();
    const before = (await ledger()).length;
    const keys = Array.from({ length: COUNT }, (_, i) => `many:${i}`);
    let answered = 0;
    let enough = (): void => undefined;
    const some = new Promise<void>((resolve) => (enough = resolve));
    const write = async (key: string): Promise<Receipt> => {
      for (;;) {
        try {
          const receipt = await stargate.cas(key, key, { expect: null });
          if (++answered === COUNT / 5) enough();
          return receipt;
        } catch (error) {
          // What was never sent may be sent again; of all else, a call says for certain what has become of it.
          if (!KvError.is(error) || error.code !== 'IO_ERROR' || error.details?.['sent'] === 'all') throw error;
          await new Promise((resolve) => setTimeout(resolve, 100));
        }
      }
    };
    const all = Promise.all(keys.map(write));
    await some;
    await world.stop('SIGKILL');
    await world.start();
    const receipts = await all;
    const txns = await ledger();
    expect(txns).to.have.length(before + COUNT);
    expect(new Set(txns).size).to.equal(before + COUNT);
    expect(txns).to.include.members(receipts.map(({ txn }) => txn));
  });
});
