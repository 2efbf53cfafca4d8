import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { compareOfFence, Etcd } from '../../adapters/etcd-gateway/index.js';
import { openEtcdLock } from '../../adapters/lock-etcd/open.js';
import { openProfile, parseProfile } from '../../plugins/host/index.js';
import type { LeaderLock, Lease } from '../../ports/index.js';
import { expiringLockContract, type ExpiringLockBench } from '../contracts/expiring-lock.js';
import { leaderLockContract } from '../contracts/leader-lock.js';
import { thrownBy } from '../contracts/mirror-target.js';
import { FreezingProxy } from '../support/worlds/freezing-proxy.js';
import { TestEtcd, TLS } from '../support/programs/etcd.js';
import { startHolder } from '../support/programs/holder-process.js';
import { needs } from '../support/needs/needs.js';
import { type Temporary, temporaryFolder } from '../support/temporary.js';
import { until } from '../support/until.js';

/** What dies without a word is waited for that long, seconds. */
const SHORT = 3;
/** Longer than any test takes. */
const LONG = 60;
const HOLDER = fileURLToPath(new URL('./lock-etcd-holder.js', import.meta.url));

describe('lock-etcd', function () {
  this.timeout(60_000);
  let etcd: TestEtcd;
  let etcdctl: (...args: string[]) => string;
  let locks = 0;

  before(async function () {
    needs(this, 'etcd', 'etcdctl');
    etcd = await TestEtcd.start();
    const env = { ...process.env, ETCDCTL_API: '3' };
    etcdctl = (...args) => execFileSync('etcdctl', ['--endpoints', etcd.url, ...args], { env, encoding: 'utf8' });
  });
  after(() => etcd?.stop());

  const opened = async (key: string, ttlSeconds = LONG, port = etcd.port, timeoutMs = 2000): Promise<LeaderLock> =>
    openEtcdLock({ etcd: await Etcd.open({ endpoints: [`http://127.0.0.1:${port}`], timeoutMs }), key, ttlSeconds });

  const bench = async (): Promise<ExpiringLockBench> => {
    locks += 1;
    const key = `/git-kv/lock ${locks}`;
    const undo: (() => Promise<void> | void)[] = [];
    const watchedHolder = async () => {
      const holder = await startHolder(HOLDER, etcd.url, key, String(SHORT));
      undo.push(holder.kill);
      return holder;
    };
    return {
      takeoverMs: SHORT * 1000,
      open: () => opened(key),
      holderProcess: watchedHolder,
      watchedHolder,
      async openCut() {
        const proxy = await FreezingProxy.before(etcd.port);
        undo.push(() => proxy.close());
        return { lock: await opened(key, SHORT, proxy.port, 300), cut: () => proxy.freeze(), mend: () => proxy.thaw() };
      },
      async depose() {
        etcdctl('del', key);
      },
      async dispose() {
        for (const step of undo) await step();
      },
    };
  };

  leaderLockContract('lock-etcd', bench);
  expiringLockContract('lock-etcd', bench);

  const won = (lease: Lease | null): Lease => {
    if (lease === null) throw new Error('the lock was expected to be free');
    return lease;
  };

  it('has the revision of its key as its term, and tells the key as its fence', async () => {
    const lock = await opened('/fenced');
    const lease = won(await lock.acquire('alpha'));
    const { kvs } = JSON.parse(etcdctl('get', '/fenced', '-w', 'json')) as { kvs: [{ create_revision: number; value: string }] };
    expect([kvs[0].create_revision, Buffer.from(kvs[0].value, 'base64').toString()]).to.deep.equal([lease.term, 'alpha']);
    const client = await Etcd.open({ endpoints: [etcd.url], timeoutMs: 2000 });
    const put = async (): Promise<boolean> =>
      (await client.txn({ compare: [compareOfFence(lease.fence ?? '')], success: [], failure: [] }, { repeatable: true }))
        .succeeded;
    expect(await put()).to.equal(true);
    await lease.release();
    const next = won(await lock.acquire('beta'));
    expect(await put(), 'the next lease is another fence').to.equal(false);
    expect(next.fence).not.to.equal(lease.fence);
    client.close();
    await lock.close();
  });

  it('finds out by itself that its lease was revoked, and says why it is lost', async () => {
    const lock = await opened('/revoked', SHORT);
    const lease = won(await lock.acquire('alpha'));
    const { kvs } = JSON.parse(etcdctl('get', '/revoked', '-w', 'json')) as { kvs: [{ lease: number }] };
    const id = /"lease":(\d+)/.exec(etcdctl('get', '/revoked', '-w', 'json'))?.[1] ?? String(kvs[0].lease);
    etcdctl('lease', 'revoke', BigInt(id).toString(16));
    if (!lease.lost.aborted) await once(lease.lost, 'abort');
    expect(String(lease.lost.reason)).to.match(/the lease of term \d+ is lost: (?:etcd has ended the lease|the key is not)/);
    await lock.close();
  });

  it('is kept while etcd is away for a moment', async () => {
    const proxy = await FreezingProxy.before(etcd.port);
    const lock = await opened('/short cut', LONG, proxy.port, 100);
    const lease = won(await lock.acquire('alpha'));
    proxy.freeze();
    const asked = lease.held();
    setTimeout(() => proxy.thaw(), 250); // after the first question has got no answer
    expect([await asked, lease.lost.aborted]).to.deep.equal([true, false]);
    await lock.close();
    proxy.close();
  });

  it('is nobody’s as soon as its time is over by the clock, whatever etcd says', async () => {
    let now = 0;
    const client = await Etcd.open({ endpoints: [etcd.url], timeoutMs: 2000 });
    const lock = openEtcdLock({ etcd: client, key: '/slept', ttlSeconds: LONG, now: () => now });
    const lease = won(await lock.acquire('alpha'));
    now = LONG * 1000 * 0.79;
    expect(await lease.held()).to.equal(true);
    now = LONG * 1000 * 0.81; // the rest is for clocks that go at different rates
    expect([await lease.held(), lease.lost.aborted]).to.deep.equal([false, true]);
    await lease.release();
    expect(await lock.holder(), 'what is lost is given back too').to.equal(null);
    await lock.close();
  });

  it('refuses a key that was put by hand, which would never end', async () => {
    etcdctl('put', '/by hand', 'me');
    const lock = await opened('/by hand');
    const error = await thrownBy(lock.acquire('alpha'));
    expect([error.code, error.message]).to.deep.equal([
      'CONFIG_INVALID',
      "the key '/by hand' of etcd was put by hand: it has no lease, so it never ends",
    ]);
    expect(await lock.holder()).to.include({ name: 'me' });
    await lock.close();
  });

  it('cannot be had while etcd is down, and is had once etcd is back', async () => {
    const lock = await opened('/down', SHORT);
    const lease = won(await lock.acquire('alpha'));
    await etcd.halt();
    try {
      const error = await thrownBy(lock.acquire('beta'));
      expect([error.code, error.message]).to.deep.equal(['IO_ERROR', `etcd: ${etcd.url} refuses connections`]);
      expect(await lease.held(), 'asked until its time is over').to.equal(false);
      expect(lease.lost.reason).to.have.property('message').that.includes('refuses connections');
    } finally {
      await etcd.resume();
    }
    let next: Lease | null = null;
    await until('the lock is free', async () => {
      next = await lock.acquire('gamma');
      return next !== null;
    });
    expect(won(next).term).to.be.greaterThan(lease.term);
    await lock.close();
  });

  it('is opened by a profile, which names what is wrong in it', async () => {
    const open = async (config: string): Promise<LeaderLock> => {
      const text = `name: shared\nadapters:\n  leader-lock: { use: lock-etcd, config: ${config} }\n`;
      const composition = await openProfile(await parseProfile(text, 'shared.yaml'), { directory: TLS, env: {} });
      return composition.get<LeaderLock>('leader-lock');
    };
    const lock = await open(`{ endpoints: ['${etcd.url}'], key: /by profile }`);
    expect(lock.capabilities.multiHost).to.equal(true);
    won(await lock.acquire('alpha'));
    await lock.close();
    const cases: [string, RegExp][] = [
      ['{ endpoints: [], key: k }', /config\.endpoints: should not be empty/],
      [`{ endpoints: ['${etcd.url}'] }`, /config\.key: /],
      [`{ endpoints: ['${etcd.url}'], key: k, ttl: 0.5 }`, /config\.ttl: must be an integer/],
      ["{ endpoints: ['127.0.0.1:2379'], key: k }", /endpoints: '127\.0\.0\.1:2379' is no address of an etcd server/],
      ["{ endpoints: ['http://me:secret@host:2379'], key: k }", /endpoints: 'http:\/\/host:2379' is no address/],
      ["{ endpoints: ['https://127.0.0.1:1'], key: k, ca: nowhere.pem }", /ca: cannot read .*nowhere\.pem \(ENOENT\)/],
      ["{ endpoints: ['https://127.0.0.1:1'], key: k, ca: ../../../package.json }", /ca: no certificate is in .*package\.json$/],
      ["{ endpoints: ['https://127.0.0.1:1'], key: k, ca: ca.pem, cert: client.pem }", /of cert and certKey, only one is there/],
      ["{ endpoints: ['https://127.0.0.1:1'], key: k, cert: client.pem, certKey: server.key }", /belong together: .*client\.pem/],
    ];
    for (const [config, message] of cases) {
      const error = await thrownBy(open(config));
      expect([error.code, error.message], config).to.satisfy(([code, text]: string[]) => {
        return code === 'CONFIG_INVALID' && message.test(text ?? '') && !text?.includes('secret');
      });
    }
  });

  describe('over TLS', () => {
    let secure: TestEtcd;
    before(async () => {
      secure = await TestEtcd.start({ tls: true });
    });
    after(() => secure?.stop());

    const file = (name: string): string => join(TLS, name);
    const client = (endpoint: string, names: { ca?: string; cert?: string; certKey?: string }): Promise<Etcd> =>
      Etcd.open({
        endpoints: [endpoint],
        timeoutMs: 5000,
        ...Object.fromEntries(Object.entries(names).map(([option, name]) => [option, file(name)])),
      });
    const OWN = { ca: 'ca.pem', cert: 'client.pem', certKey: 'client.key' };

    it('is had with the right certificates', async () => {
      const lock = openEtcdLock({ etcd: await client(secure.url, OWN), key: '/secure', ttlSeconds: LONG });
      expect(await won(await lock.acquire('alpha')).held()).to.equal(true);
      await lock.close();
    });

    const refused: [string, () => string, Parameters<typeof client>[1], RegExp][] = [
      [
        'by an authority that has not signed etcd’s',
        () => secure.url,
        { ...OWN, ca: 'other-ca.pem' },
        /is not trusted \(.*(?:ISSUER|VERIFY|SELF_SIGNED)/,
      ],
      ['without an authority', () => secure.url, { cert: 'client.pem', certKey: 'client.key' }, /is not trusted/],
      [
        'at an address that is not in the certificate',
        () => secure.url.replace('127.0.0.1', 'localhost'),
        OWN,
        /is not trusted \(ERR_TLS_CERT_ALTNAME_INVALID/,
      ],
      ['without a certificate of its own', () => secure.url, { ca: 'ca.pem' }, /refuses this side's certificate/],
      [
        'with a stranger’s certificate',
        () => secure.url,
        { ca: 'ca.pem', cert: 'stranger.pem', certKey: 'stranger.key' },
        /refuses this side's certificate/,
      ],
    ];
    for (const [what, endpoint, names, message] of refused) {
      it(`is a fault of the configuration ${what}`, async () => {
        const lock = openEtcdLock({ etcd: await client(endpoint(), names), key: '/secure', ttlSeconds: LONG });
        // A server that hangs up while a request is on its way may lose its own last word, which is why it did.
        let error = await thrownBy(lock.acquire('alpha'));
        for (let more = 20; more > 0 && /broke the connection/.test(error.message); more--) {
          error = await thrownBy(lock.acquire('alpha'));
        }
        expect(error.code, error.message).to.equal('CONFIG_INVALID');
        expect(error.message).to.match(message);
        expect(error.hint).to.be.a('string');
        await lock.close();
      });
    }

    it('is told apart from none: etcd hangs up on the wrong one, and the hint says what to look at', async () => {
      for (const [endpoint, names] of [
        [secure.url.replace('https', 'http'), {}],
        [etcd.url.replace('http', 'https'), OWN],
      ] as const) {
        const lock = openEtcdLock({ etcd: await client(endpoint, names), key: '/secure', ttlSeconds: LONG });
        const error = await thrownBy(lock.acquire('alpha'));
        expect([error.code, error.message]).to.deep.equal(['IO_ERROR', `etcd: ${endpoint} broke the connection`]);
        expect(error.hint).to.include('whether it speaks TLS');
        await lock.close();
      }
    });
  });
});

describe('lock-etcd, with a login', function () {
  this.timeout(60_000);
  let etcd: TestEtcd;
  let folder: Temporary;
  before(async function () {
    needs(this, 'etcd', 'etcdctl');
    folder = await temporaryFolder();
    etcd = await TestEtcd.start();
    const env = { ...process.env, ETCDCTL_API: '3' };
    const etcdctl = (...args: string[]): unknown =>
      execFileSync('etcdctl', ['--endpoints', etcd.url, ...args], { env, encoding: 'utf8', stdio: 'pipe' });
    for (const name of ['root', 'stargate', 'other']) etcdctl('user', 'add', `${name}:the word of ${name}`);
    etcdctl('user', 'grant-role', 'root', 'root');
    etcdctl('role', 'add', 'leader');
    etcdctl('role', 'grant-permission', 'leader', '--prefix=true', 'readwrite', '/git-kv/');
    etcdctl('user', 'grant-role', 'stargate', 'leader');
    etcdctl('auth', 'enable');
  });
  after(async () => {
    await etcd?.stop();
    await folder?.remove();
  });

  const lockAs = async (user: string, password: string, mode = 0o600): Promise<LeaderLock> => {
    const passwordFile = join(folder.path, `${user}.word`);
    await writeFile(passwordFile, `${password}\n`);
    await chmod(passwordFile, mode);
    const opening = Etcd.open({ endpoints: [etcd.url], timeoutMs: 2000, user, passwordFile });
    return openEtcdLock({ etcd: await opening, key: '/git-kv/lock', ttlSeconds: 60 });
  };

  it('is held by a user who may, and again once etcd has forgotten the login', async () => {
    const lock = await lockAs('stargate', 'the word of stargate');
    const lease = await lock.acquire('first');
    expect(lease).to.not.equal(null);
    await etcd.halt(); // its tokens are in its memory
    await etcd.resume();
    expect((await lock.holder())?.name).to.equal('first');
    await lease?.release();
    expect((await lock.acquire('again'))?.term).to.be.greaterThan(lease?.term ?? 0);
    await lock.close();
  });

  it('is refused by name: another password, a user without a role, no user', async () => {
    for (const [opening, words] of [
      [lockAs('stargate', 'another'), /takes no login of this user/],
      [lockAs('other', 'the word of other'), /refuses this user/],
      [
        Etcd.open({ endpoints: [etcd.url], timeoutMs: 2000 }).then((one) =>
          openEtcdLock({ etcd: one, key: '/git-kv/lock', ttlSeconds: 60 }),
        ),
        /wants a user/,
      ],
    ] as const) {
      const lock = await opening;
      const { code, message, hint } = await thrownBy(lock.acquire('nobody'));
      expect(code).to.equal('CONFIG_INVALID');
      expect(message).to.match(words);
      expect(`${message} ${hint}`).to.not.contain('the word of').and.to.not.contain('another');
      await lock.close();
    }
  });

  it('does not open with a password that others may read, that is not there, or that is several lines', async () => {
    expect((await thrownBy(lockAs('stargate', 'x', 0o644))).message).to.match(/others may read/);
    expect((await thrownBy(lockAs('stargate', 'x\ny'))).message).to.match(/not one line/);
    const half = Etcd.open({ endpoints: [etcd.url], timeoutMs: 2000, user: 'stargate' });
    expect((await thrownBy(half)).message).to.match(/only one is there/);
    const absent = Etcd.open({
      endpoints: [etcd.url],
      timeoutMs: 2000,
      user: 'stargate',
      passwordFile: join(folder.path, 'none'),
    });
    expect((await thrownBy(absent)).message).to.match(/cannot read .*ENOENT/);
  });
});
