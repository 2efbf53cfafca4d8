import { expect } from 'chai';
import { readKey } from '../../../../../domain/client/read/read.js';
import { listKeys } from '../../../../../domain/client/read/list.js';
import { waitForMirror } from '../../../../../domain/client/remote/wait.js';
import { exportSnapshot } from '../../../../../domain/client/transfer/export-snapshot.js';
import { OLDEST, Watch } from '../../../../../domain/client/watch/watch.js';
import { write } from '../../../../../domain/client/write/write.js';
import { utf8 } from '../../../../../domain/git/bytes.js';
import { publishedRefusals } from '../../../../../domain/gateway/commit/policy-ref.js';
import { ReadersNotice } from '../../../../../domain/gateway/mirror/readers-notice.js';
import { refusalAfter } from '../../../../../domain/gateway/mirror/retry-delay.js';
import { POLICY_REF } from '../../../../../domain/ledger/refs.js';
import { KvError } from '../../../../../ports/error.js';
import { all } from '../../../../support/all.js';
import { failure } from '../../../../support/failure.js';
import { NOW, SeededRandomness } from '../../../../support/memory/memory.js';
import { type MemoryClient, openMemoryClient } from '../../../../support/memory/client.js';
import { MemoryGateway } from '../../../../support/memory/gateway.js';

const DECLINED = new KvError('GIT_ERROR', 'pre-receive hook declined');

describe('domain: what readers are told of a mirror that refuses', () => {
  let at: number;
  let published: string[];
  let fails: KvError | null;
  let notice: ReadersNotice;
  const clock = { now: () => at, sleep: async () => undefined };
  beforeEach(() => {
    [at, published, fails] = [NOW, [], null];
    notice = new ReadersNotice(clock, async () => {
      if (fails !== null) throw fails;
      published.push([...notice.refusals].map(([ns, { since, code }]) => `${ns} ${code} ${Date.parse(since) - NOW}`).join());
    });
  });
  const refusal = () => refusalAfter(null, DECLINED, { clock, randomness: new SeededRandomness() });
  const refused = (...namespaces: string[]) => new Map(namespaces.map((ns) => [ns, { ...refusal(), since: NOW }]));
  const nothing = new Map<string, ReturnType<typeof refusal>>();
  /** Does what the worker does; gives when it is to be asked again, ms. */
  const look = async (now = nothing, open: readonly string[] = []) => {
    const state = { refused: now, isOpen: (ns: string) => open.includes(ns) };
    if (notice.dueIn(state) === 0) await notice.tell(state);
    return notice.dueIn(state);
  };

  it('is said when a refusal has stood for half a minute, once, and taken back when it is over', async () => {
    expect([await look(), await look(refused('main'))]).to.deep.equal([Number.POSITIVE_INFINITY, 30_000]);
    at += 29_999;
    expect([await look(refused('main')), published]).to.deep.equal([1, []]);
    at += 1;
    expect(await look(refused('main'))).to.equal(Number.POSITIVE_INFINITY);
    await look(refused('main'));
    expect(published).to.deep.equal(['main GIT_ERROR 0']);
    await look();
    expect(published).to.deep.equal(['main GIT_ERROR 0', '']);
  });

  it('counts from the first refusal of a row, and one that passes is not told', async () => {
    const first = refusal();
    at += 20_000;
    const second = refusalAfter(first, DECLINED, { clock, randomness: new SeededRandomness() });
    expect([await look(new Map([['main', second]])), await look()]).to.deep.equal([10_000, Number.POSITIVE_INFINITY]);
    at += 20_000;
    expect([await look(new Map([['main', refusal()]])), published]).to.deep.equal([30_000, []]);
  });

  it('stands while it is not known whether the mirror takes it again, as after a restart', async () => {
    notice.begin(new Map([['main', { since: new Date(NOW - 5000).toISOString(), code: 'SYNC_REFUSED' }]]));
    await look(nothing, ['main']);
    await look(refused('main'));
    expect([...notice.refusals.values()].map(({ code }) => code)).to.deep.equal(['SYNC_REFUSED']);
    expect(published).to.deep.equal([]);
    await look();
    expect(published).to.deep.equal(['']);
  });

  it('is tried again after a while when it could not be published', async () => {
    at += 30_000;
    fails = new KvError('STORAGE_FULL', 'no room');
    await failure(look(refused('main')), 'STORAGE_FULL');
    expect(await look(refused('main'))).to.equal(30_000);
    [at, fails] = [at + 30_000, null];
    await look(refused('main'));
    expect(published).to.deep.equal(['main GIT_ERROR 0']);
  });
});

describe('a mirror that refuses a namespace, and its readers', () => {
  let gateway: MemoryGateway;
  let ada: MemoryClient;
  let bob: MemoryClient;
  let heard: string[];
  let isRefusing: boolean;
  const open: { close(): Promise<void> }[] = [];
  const MIRROR = { ns: 'main', readFrom: 'mirror', offline: false } as const;

  const begin = async (restored?: Awaited<ReturnType<MemoryGateway['backup']>>): Promise<void> => {
    gateway = await MemoryGateway.start({ format: 'sha1', tellReadersAfterMs: 1, ...(restored ? { restored } : {}) });
    open.push(gateway);
  };
  beforeEach(async () => {
    [heard, isRefusing] = [[], true];
    await begin();
    const { mirror } = gateway;
    const takes = mirror.refusal.bind(mirror);
    mirror.refusal = (update) => {
      if (isRefusing && update.ref.endsWith('/main')) throw DECLINED;
      return takes(update);
    };
    [ada, bob] = await Promise.all([openMemoryClient(gateway, 'ada'), openMemoryClient(gateway, 'ada')]);
    open.push(ada, bob);
    const onMirrorRefusal = (ns: string, { code }: { readonly code: string }): void => void heard.push(`${ns} ${code}`);
    bob = { ...bob, clone: { ...bob.clone, onMirrorRefusal } };
  });
  afterEach(async () => {
    for (const one of open.splice(0).reverse()) await one.close();
  });

  const until = async (isSo: () => Promise<boolean> | boolean): Promise<void> => {
    while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, 1));
  };
  const toldAtMirror = async () => {
    const { store, mirror } = gateway;
    await until(async () => mirror.refs.get(POLICY_REF) === (await store.refs([POLICY_REF])).get(POLICY_REF));
    return [...(await publishedRefusals(store)).keys()];
  };
  const set = (key: string) =>
    write(ada.clone, { ns: 'main', operations: [{ op: 'set', key, value: utf8('1'), ctype: 'text/plain' }] });
  const get = () => readKey(bob.clone, { ...MIRROR, key: 'a', allowExpired: false });

  it('are told by whatever reads from there, until the mirror takes it again', async () => {
    const { commit } = await set('a');
    await until(async () => (await publishedRefusals(gateway.store)).size > 0);
    expect(await toldAtMirror()).to.deep.equal(['main']);
    await failure(get(), 'NOT_FOUND'); // the mirror has never shown it
    expect(heard.splice(0)).to.deep.equal(['main GIT_ERROR']);

    let time = NOW;
    const sleep = async (ms: number): Promise<void> => {
      time += ms;
    };
    const clone = { ...bob.clone, clock: { now: () => time, sleep } };
    const waited = (timeoutMs: number) =>
      failure(waitForMirror(clone, { ns: 'main', oid: commit ?? '', timeoutMs }), 'MIRROR_TIMEOUT');
    const early = await waited(600_000);
    expect(early.message).to.match(/after 3[5-7] s: it has refused namespace main since 20\S+ \(GIT_ERROR\)$/);
    expect(early.details?.['refused']).to.include({ code: 'GIT_ERROR' });
    expect((await waited(1000)).message).to.match(/after 1 s: it has refused namespace main/);
    expect(heard).to.deep.equal([]);

    isRefusing = false;
    await gateway.mirrored();
    await until(async () => (await publishedRefusals(gateway.store)).size === 0);
    expect(await toldAtMirror()).to.deep.equal([]);
    await get();
    expect(heard).to.deep.equal([]);

    isRefusing = true;
    await set('b');
    await until(async () => (await publishedRefusals(gateway.store)).size > 0);
    await toldAtMirror();
    await all(listKeys(bob.clone, { ...MIRROR, prefix: '', long: false, allowExpired: false }));
    await all(exportSnapshot(bob.clone, { ...MIRROR, prefix: '', provenance: false, files: null }));
    for await (const _ of new Watch(bob.clone, { ns: 'main', readFrom: 'mirror', since: OLDEST, once: true }));
    expect(heard.splice(0)).to.deep.equal(Array(3).fill('main GIT_ERROR'));
    for (const other of [{ readFrom: 'stargate' }, { offline: true }] as const)
      await readKey(bob.clone, { ...MIRROR, ...other, key: 'a', allowExpired: false });
    await readKey(ada.clone, { ...MIRROR, key: 'b', allowExpired: false }); // nobody listens
    expect(heard).to.deep.equal([]);
  });

  it('are told the same by the next term, which takes it back once the mirror is mended', async () => {
    await set('a');
    await until(async () => (await publishedRefusals(gateway.store)).size > 0);
    await toldAtMirror();
    const backup = await gateway.backup();
    await open.splice(open.indexOf(gateway), 1)[0]?.close();
    const { mirror } = gateway;
    mirror.away = true;
    await begin(backup);
    await until(() => gateway.status.lastError?.code === 'IO_ERROR');
    expect((await gateway.refs()).get(POLICY_REF), 'nothing is known yet').to.equal(backup.refs.get(POLICY_REF));
    mirror.away = false;
    await until(() => gateway.status.refused.has('main'));
    expect((await gateway.refs()).get(POLICY_REF), 'it is so still').to.equal(backup.refs.get(POLICY_REF));
    isRefusing = false;
    await until(async () => (await publishedRefusals(gateway.store)).size === 0);
    expect(await toldAtMirror()).to.deep.equal([]);
  });
});
