import { expect } from 'chai';
import { World } from '../support/worlds/world.js';
import type { Fault } from './spoilt.js';

type Event = Record<string, unknown>;

describe('git kv verify: watchlog and watermark', () => {
  let world: World;
  let first = '';
  const refs = new Map<string, string>();
  before(async () => {
    world = await World.create({ writers: ['ada', 'bob'] });
    for (const person of ['ada', 'bob']) await world.clone(person);
    for (const i of [1, 2, 3]) await kv('bob', 'set', 'cfg:a', `${i}`);
    await kv('ada', 'epoch', 'new', '--label', 'second');
    for (const i of [1, 2, 3]) await kv('bob', 'set', `cfg:${i}`, `${i}`);
    await kv('ada', 'set', 'cfg:b', '1');
    await world.mirrored();
    await kv('ada', 'list');
    await kv('ada', 'history', 'cfg:a', '--epochs');
  });
  after(() => world?.close());
  afterEach(async () => {
    for (const [ref, oid] of refs) await git(['update-ref', ref, oid]);
  });

  const kv = async (person: string, ...args: string[]): Promise<string> => {
    const ran = await world.kv(person, args);
    expect(ran.code, ran.stdout + ran.stderr).to.equal(0);
    return ran.stdout;
  };
  const git = async (args: string[], input?: string): Promise<string> => {
    const ran = await world.git(world.clonePath('ada'), 'ada', args, input === undefined ? {} : { input });
    expect(ran.code, `git ${args.join(' ')}: ${ran.stderr}`).to.equal(0);
    return ran.stdout.trim();
  };
  const verify = async (...args: string[]): Promise<{ code: number; faults: Fault[]; notes: string }> => {
    const { code, stdout } = await world.kv('ada', ['verify', '--json', ...args]);
    const { faults, notes, error } = JSON.parse(stdout) as {
      faults?: Fault[];
      notes?: string[];
      error?: { details: { faults: Fault[]; notes: string[] } };
    };
    return {
      code,
      faults: faults ?? error?.details.faults ?? [],
      notes: (notes ?? error?.details.notes ?? []).join('\n'),
    };
  };
  const fetchAll = async (): Promise<void> => {
    if (refs.size > 0) return;
    await kv('ada', 'watch', '--since', 'oldest', '--once');
    await git(['fetch', '-q', 'origin', '+refs/kv-mirror/main:refs/kv-tracking/mirror/kv-mirror/main']);
    for (const line of (await git(['for-each-ref', '--format=%(refname) %(objectname)', 'refs/kv-tracking'])).split('\n')) {
      const [ref = '', oid = ''] = line.split(' ');
      refs.set(ref, oid);
    }
    first = [...refs.keys()].flatMap((ref) => /kv-watchlog\/main@(\d.*)$/.exec(ref)?.[1] ?? [])[0] as string;
  };
  const logRef = (label: string): string => `refs/kv-tracking/mirror/kv-watchlog/main@${label}`;
  const events = async (label: string): Promise<Event[]> =>
    (await git(['log', '--reverse', '--format=%B', logRef(label)]))
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Event);
  /** Puts a watchlog of these messages in the place of the one that was fetched. */
  const write = async (label: string, messages: readonly (Event | string)[], tree?: string): Promise<void> => {
    const empty = await git(['hash-object', '-t', 'tree', '-w', '--stdin']);
    let parent: string[] = [];
    for (const [i, one] of messages.entries()) {
      const last = i === messages.length - 1;
      const text = typeof one === 'string' ? one : `${JSON.stringify(one)}\n`;
      parent = ['-p', await git(['commit-tree', ...parent, (last ? tree : undefined) ?? empty], text)];
    }
    await git(['update-ref', logRef(label), parent[1] as string]);
  };
  const faultsOf = async (pattern: RegExp, ...args: string[]): Promise<void> => {
    const ran = await verify(...args);
    const whats = ran.faults.map(({ what }) => what);
    expect(
      whats.filter((what) => !pattern.test(what)),
      'faults of another kind',
    ).to.deep.equal([]);
    expect(whats).to.not.deep.equal([]);
    expect(ran.code).to.equal(8);
  };

  it('says what is not in this clone, and fetches nothing', async () => {
    const before = await git(['for-each-ref']);
    const ran = await verify('--full');
    expect([ran.code, ran.faults]).to.deep.equal([0, []]);
    expect(ran.notes)
      .to.contain('the watchlog of epoch second is not in this clone')
      .and.to.contain(`the watermark is not in this clone`);
    expect(await git(['for-each-ref'])).to.equal(before);
  });

  it('finds nothing in what was fetched, at either depth', async () => {
    await fetchAll();
    expect(refs.has(logRef('second')) && refs.has(logRef(first))).to.equal(true);
    for (const args of [[], ['--full']]) {
      const ran = await verify(...args);
      expect([ran.code, ran.faults]).to.deep.equal([0, []]);
      expect(ran.notes).to.not.match(/watchlog|watermark/);
    }
  });

  const FORGED: readonly [string, (all: Event[]) => (Event | string)[], RegExp][] = [
    ['an event left out', (all) => all.filter((_, i) => i !== 1), /^refs\/kv-tracking.* leaves out ledger commit \w+$/],
    ['the first event left out', (all) => all.slice(1), /leaves out ledger commit|names - as the epoch before, expected/],
    ['an event twice', (all) => [...all.slice(0, 3), all[2] as Event, ...all.slice(3)], /names ledger commit \w+ again$/],
    [
      'two events in the wrong order',
      (all) => [all[0], all[2], all[1], ...all.slice(3)] as Event[],
      /leaves out ledger commit|out of order$/,
    ],
    [
      'an event of no ledger commit',
      (all) => [...all.slice(0, 2), { ...all[1], oid: 'ab'.repeat(20) }, ...all.slice(2)],
      /names (ab){20}, which is no commit of the ledger$/,
    ],
    [
      'another transaction',
      (all) => all.map((one, i) => (i === 1 ? { ...one, txn: '0'.repeat(26) } : one)),
      /says transaction 0{26} of/,
    ],
    [
      'another count of keys',
      (all) => all.map((one, i) => (i === 1 ? { ...one, set: 7 } : one)),
      /says Keys-Set 7 of .*, which has 1$/,
    ],
    [
      'another signer',
      (all) => all.map((one, i) => (i === 1 ? { ...one, signer: 'ada' } : one)),
      /says signer ada of .* signature of bob$/,
    ],
    [
      'no signer',
      (all) => all.map((one, i) => (i === 1 ? { ...one, signer: '-' } : one)),
      /says signer - of .* which has a signature$/,
    ],
    [
      'another epoch before',
      (all) => [{ ...all[0], parent_epoch: 'x' }, ...all.slice(1)],
      /names x as the epoch before, expected/,
    ],
    [
      'an epoch before in the middle',
      (all) => all.map((one, i) => (i === 2 ? { ...one, parent_epoch: 'x' } : one)),
      /names x as the epoch before, expected -$/,
    ],
    ['an event of another namespace', (all) => all.map((one, i) => (i === 1 ? { ...one, ns: 'shop' } : one)), /is of shop@/],
    ['an event of another epoch', (all) => all.map((one, i) => (i === 1 ? { ...one, epoch: 'third' } : one)), /is of main@third/],
    [
      'a text that is no event',
      (all) => [...all.slice(0, 2), 'hello\n', ...all.slice(3)],
      /holds no event of version 1|leaves out/,
    ],
    ['a field too many', (all) => [...all, `{"v":1,"x":1}\n`], /holds no event of version 1$/],
    [
      'an event that is not in its one form',
      (all) => [...all.slice(0, -1), `${JSON.stringify(all.at(-1)).replace('{', '{ ')}\n`],
      /holds an event that is not in its one form$/,
    ],
  ];
  for (const [name, forge, pattern] of FORGED) {
    it(`a watchlog with ${name} is a fault, in the current epoch and in one before`, async () => {
      await fetchAll();
      await write('second', forge(await events('second')));
      await faultsOf(pattern);
      await git(['update-ref', logRef('second'), refs.get(logRef('second')) as string]);
      await write(first, forge(await events(first)));
      await faultsOf(pattern, '--full');
    });
  }

  it('a watchlog on another tree, of two lines, cut off, or that is none', async () => {
    await fetchAll();
    const all = await events('second');
    await write('second', all, await git(['rev-parse', 'refs/kv-tracking/mirror/kv/main^{tree}']));
    await faultsOf(/has tree \w+, and not the empty one$/);
    const tip = refs.get(logRef('second')) as string;
    const body = await git(['cat-file', 'commit', tip]);
    const merge = await git(
      ['hash-object', '-t', 'commit', '-w', '--stdin'],
      `${body.replace(/^parent .*$/m, (line) => `${line}\nparent ${refs.get(logRef(first)) as string}`)}\n`,
    );
    await git(['update-ref', logRef('second'), merge]);
    await faultsOf(/has a merge commit, \w+$/);
    await git(['update-ref', logRef('second'), refs.get('refs/kv-tracking/mirror/kv/main') as string]);
    await faultsOf(/holds no event of version 1|has tree/);
  });

  it('one that was fetched before the ledger, or after it, is a note', async () => {
    await fetchAll();
    await git(['update-ref', logRef('second'), `${logRef('second')}~2`]);
    let ran = await verify();
    expect([
      ran.code,
      ran.faults,
      ran.notes.includes('2 transactions of epoch second are not in the watchlog here'),
    ]).to.deep.equal([0, [], true]);
    await git(['update-ref', logRef('second'), refs.get(logRef('second')) as string]);
    for (const ref of ['kv/main', 'kv-index/main', 'kv-mirror/main'].map((name) => `refs/kv-tracking/mirror/${name}`))
      await git(['update-ref', ref, `${ref}~1`]);
    for (const line of (
      await git(['for-each-ref', '--format=%(refname)', 'refs/kv', 'refs/kv-index', 'refs/kv-tracking/stargate'])
    ).split('\n'))
      if (line !== '') await git(['update-ref', '-d', line]);
    ran = await verify();
    expect([ran.code, ran.faults, ran.notes.includes('1 event of the watchlog of epoch second is newer')]).to.deep.equal([
      0,
      [],
      true,
    ]);
  });

  it('two watchlogs that go apart', async () => {
    await fetchAll();
    const all = await events('second');
    const ref = logRef('second').replace('mirror', 'stargate');
    await write('second', [...all.slice(0, -1), { ...all.at(-1), received: '2030-01-01T00:00:00.000Z' }]);
    await git(['update-ref', ref, logRef('second')]);
    await git(['update-ref', logRef('second'), refs.get(logRef('second')) as string]);
    await faultsOf(/go apart: one of them was rewritten$/);
    await git(['update-ref', '-d', ref]);
  });

  it('a watermark that names no commit of the ledger', async () => {
    await fetchAll();
    const ref = 'refs/kv-tracking/mirror/kv-mirror/main';
    await git(['update-ref', ref, 'refs/kv-tracking/mirror/kv-index/main']);
    await faultsOf(/^refs\/kv-tracking\/mirror\/kv-mirror\/main points to no ledger commit: /);
    const body = await git(['cat-file', 'commit', 'refs/kv-tracking/mirror/kv/main']);
    const forged = await git(['hash-object', '-t', 'commit', '-w', '--stdin'], `${body.replace('Keys-Del: 0', 'Keys-Del: 1')}\n`);
    await git(['update-ref', ref, forged]);
    await faultsOf(/kv-mirror\/main points to \w+, which is not on the ledger that ends with/);
  });
});
