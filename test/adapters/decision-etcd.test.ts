import { execFileSync } from 'node:child_process';
import { expect } from 'chai';
import { openEtcdDecisions } from '../../adapters/decision-etcd/open.js';
import { Etcd } from '../../adapters/etcd-gateway/index.js';
import { openEtcdLock } from '../../adapters/lock-etcd/open.js';
import type { DecisionLog, Head } from '../../ports/index.js';
import { decisionLogContract, type DecisionLogBench } from '../contracts/decision-log.js';
import { thrownBy } from '../contracts/mirror-target.js';
import { FreezingProxy } from '../support/worlds/freezing-proxy.js';
import { TestEtcd } from '../support/programs/etcd.js';
import { needs } from '../support/needs/needs.js';

const HEAD: Head = { sequence: 3, term: 2, digest: 'ab', members: ['one', 'two', 'three'] };

describe('decision-etcd', function () {
  this.timeout(60_000);
  let etcd: TestEtcd;
  let etcdctl: (...args: string[]) => string;
  let clusters = 0;

  before(async function () {
    needs(this, 'etcd', 'etcdctl');
    etcd = await TestEtcd.start();
    const env = { ...process.env, ETCDCTL_API: '3' };
    etcdctl = (...args) => execFileSync('etcdctl', ['--endpoints', etcd.url, ...args], { env, encoding: 'utf8' });
  });
  after(() => etcd?.stop());

  const client = (port = etcd.port, timeoutMs = 2000): Promise<Etcd> =>
    Etcd.open({ endpoints: [`http://127.0.0.1:${port}`], timeoutMs });
  const opened = async (cluster: string, port?: number, timeoutMs?: number): Promise<DecisionLog> =>
    openEtcdDecisions({ etcd: await client(port, timeoutMs), cluster });

  decisionLogContract('decision-etcd', async (): Promise<DecisionLogBench> => {
    clusters += 1;
    const cluster = `contract-${clusters}`;
    const lock = openEtcdLock({ etcd: await client(), key: `/git-kv/${cluster}/lock`, ttlSeconds: 60 });
    return {
      open: () => opened(cluster),
      async fence() {
        const lease = await lock.acquire('leader');
        if (lease?.fence === undefined) throw new Error('the lock was expected to be free, and to have a fence');
        return {
          fence: lease.fence,
          async lose() {
            etcdctl('del', `/git-kv/${cluster}/lock`); // its holder hears nothing of it
          },
        };
      },
      dispose: () => lock.close(),
    };
  });

  describe('in etcd', () => {
    let log: DecisionLog;
    let cluster: string;

    beforeEach(async () => {
      clusters += 1;
      cluster = `own-${clusters}`;
      log = await opened(cluster);
    });
    afterEach(() => log.close());

    it('is a key a repository, which people can read', async () => {
      await log.decide('team/config', { head: HEAD, after: null });
      expect(etcdctl('get', '--print-value-only', `/git-kv/${cluster}/team/config/head`).trim()).to.equal(
        '{"v":1,"sequence":3,"term":2,"digest":"ab","members":["one","two","three"]}',
      );
    });

    it('refuses what is no head, or one of a later version', async () => {
      for (const value of [
        'hello',
        '[]',
        '{"v":2}',
        '{"v":1,"sequence":"3","term":2,"digest":"ab","members":[]}',
        '{"v":1,"sequence":3}',
      ]) {
        etcdctl('put', `/git-kv/${cluster}/a/b/head`, value);
        expect((await thrownBy(log.read('a/b'))).code, value).to.equal('FORMAT_UNSUPPORTED');
      }
    });

    it('refuses a revision and a fence that are none of etcd', async () => {
      expect((await thrownBy(log.decide('a/b', { head: HEAD, after: 'x' }))).code).to.equal('INPUT_INVALID');
      expect((await thrownBy(log.decide('a/b', { head: HEAD, after: null, fence: 'flock' }))).code).to.equal('CONFIG_INVALID');
      expect(await log.read('a/b')).to.equal(null);
    });

    it('lets nobody decide with the lock of before, though the name of its holder is the same', async () => {
      const lock = openEtcdLock({ etcd: await client(), key: `/git-kv/${cluster}/lock`, ttlSeconds: 60 });
      const old = await lock.acquire('same name');
      const first = await log.decide('a/b', { head: HEAD, after: null, fence: old?.fence ?? '' });
      await old?.release();
      const lease = await lock.acquire('same name');
      expect((await thrownBy(log.decide('a/b', { head: HEAD, after: first, fence: old?.fence ?? '' }))).code).to.equal(
        'NOT_LEADER',
      );
      await log.decide('a/b', { head: HEAD, after: first, fence: lease?.fence ?? '' });
      await lock.close();
    });

    it('says that it does not know when no answer comes, and decides the same once at most', async () => {
      const first = await log.decide('a/b', { head: HEAD, after: null });
      const proxy = await FreezingProxy.before(etcd.port);
      const cut = await opened(cluster, proxy.port, 300);
      try {
        await cut.read('a/b');
        proxy.freeze();
        const next = { ...HEAD, sequence: 4 };
        expect((await thrownBy(cut.decide('a/b', { head: next, after: first }))).code).to.equal('IO_ERROR');
        expect((await thrownBy(cut.read('a/b'))).code).to.equal('IO_ERROR');
        proxy.thaw();
        const again = await log.decide('a/b', { head: next, after: first }).catch((error: unknown) => error);
        const newest = await log.read('a/b');
        expect(newest?.head).to.deep.equal(next);
        // Either this one was made, or the one of which nothing was heard.
        expect(typeof again === 'string' ? again : newest?.revision).to.equal(newest?.revision);
      } finally {
        await cut.close();
        await proxy.close();
      }
    });
  });
});
