import { join } from 'node:path';
import { expect } from 'chai';
import { needs } from '../../support/needs/needs.js';
import { type Ran, run } from '../../support/programs/processes.js';
import { ROOT } from '../../support/root.js';
import { until } from '../../support/until.js';
import { CHUNKS, ForeignLedger, INDEX, LARGE, LEDGER, ODD_KEYS } from './foreign-ledger.js';

const EXAMPLES = join(ROOT, 'docs', 'examples', 'reader');
const python = (name: string, ...args: string[]): Promise<Ran> =>
  run('python3', ['-B', join(EXAMPLES, `${name}.py`), ...args], {
    env: { PATH: process.env['PATH'], PYTHONIOENCODING: 'utf-8' },
  });

/** What is done to the ledger, and what the verifier says of it. */
const FAULTS: readonly (readonly [what: string, said: RegExp, spoil: (ledger: ForeignLedger) => Promise<unknown>])[] = [
  [
    'a value that somebody has changed',
    /cfg:a.*the ETag is/,
    async (ledger) => ledger.amend({ ledger: await ledger.treeOf(LEDGER, '/cfg:a', await ledger.blob('forged')) }),
  ],
  [
    'an empty directory whose name steers the terminal',
    /'\\x1b\[2J' is a directory without files/,
    async (ledger) => ledger.amend({ ledger: await ledger.withDirectory(LEDGER, '\u001b[2J') }),
  ],
  ['a transaction without a signature', /is not signed/, (ledger) => ledger.amend({ signer: null })],
  ["a stranger's signature", /no signature of a key/, (ledger) => ledger.amend({ signer: 'mallory' })],
  [
    'a signature of something else',
    /no signature of a key/,
    async (ledger) => {
      const tip = await ledger.commit(LEDGER);
      const { signature } = await ledger.commit(tip.parents[0] as string);
      await ledger.move(LEDGER, await ledger.makeAs({ ...tip, signature }));
    },
  ],
  [
    'a pointer that is gone from the index',
    /the index is not what the ledger/,
    async (ledger) => ledger.amend({ index: await ledger.treeOf(INDEX, '/user:8.ref', null) }),
  ],
  [
    'an index that says an older value',
    /the index is not what the ledger/,
    async (ledger) => {
      const { text } = await ledger.file(INDEX, '/cfg:a.ref');
      const old = await ledger.blob(
        text
          .replace(/"size":\d+/, '"size":3')
          .replace(/"ledger_blob":"[^"]+"/, `"ledger_blob":"${(await ledger.file(LEDGER, '/a')).oid}"`),
      );
      await ledger.amend({ index: await ledger.treeOf(INDEX, '/cfg:a.ref', old) });
    },
  ],
  [
    'a chunk that is not what its name says',
    /a chunk's place|chunk was taken away or changed/,
    async (ledger) => ledger.amend({ chunks: await ledger.treeOf(CHUNKS, '', await ledger.blob('not this')) }),
  ],
  [
    'a chunk that no chunks commit has',
    /chunk \d+ is/,
    async (ledger) => {
      const { text } = await ledger.file(LEDGER, 'large.manifest.json');
      const { chunks } = JSON.parse(text) as { chunks: readonly { digest: string }[] };
      const last = (chunks.at(-1)?.digest ?? '').replace('sha256:', '');
      await ledger.amend({ chunks: await ledger.treeOf(CHUNKS, `/${last}`, null) });
    },
  ],
  [
    'metadata with a space more',
    /not in its one form/,
    async (ledger) => {
      const { text } = await ledger.file(LEDGER, '/empty.meta');
      await ledger.amend({ ledger: await ledger.treeOf(LEDGER, '/empty.meta', await ledger.blob(text.replace(',', ', '))) });
    },
  ],
  [
    'a wrong count',
    /Keys-Set is 3, not 2/,
    (ledger) => ledger.amend({ message: (text) => text.replace('Keys-Set: 2', 'Keys-Set: 3') }),
  ],
  [
    'another base',
    /Base-Tree is -/,
    (ledger) => ledger.amend({ message: (text) => text.replace(/Base-Tree: .*/, 'Base-Tree: -') }),
  ],
  ['a trailer twice', /KV-NS twice/, (ledger) => ledger.amend({ message: (text) => `${text.trimEnd()}\nKV-NS: main\n` })],
  [
    'a merge',
    /a merge/,
    async (ledger) => {
      const tip = await ledger.commit(LEDGER);
      const root = (await ledger.commit('refs/kv-epoch/main')).oid;
      await ledger.move(LEDGER, await ledger.make({ ...tip, parents: [...tip.parents, root] }, 'ada'));
    },
  ],
  [
    'a transaction that was taken back',
    /the number of events is 4, not 3/,
    async (ledger) => {
      for (const ref of [LEDGER, INDEX, CHUNKS]) await ledger.move(ref, (await ledger.commit(ref)).parents[0] as string);
    },
  ],
  [
    'an archive that leads elsewhere',
    /the archived ledger is/,
    async (ledger) => {
      const archive = await ledger.commit('refs/kv-archive/main@two');
      const [tip = '', index = ''] = archive.parents;
      const before = (await ledger.commit(tip)).parents[0] as string;
      await ledger.move('refs/kv-archive/main@two', await ledger.make({ ...archive, parents: [before, index] }, null));
    },
  ],
  ['an epoch that is gone', /neither archive nor compacted/, (ledger) => ledger.move('refs/kv-compacted/main@one', null)],
];

for (const format of ['sha1', 'sha256'] as const) {
  describe(`a reader and a verifier written from FORMAT.md alone (${format})`, () => {
    let ledger: ForeignLedger;
    before(async function () {
      needs(this, 'python3');
      ledger = await ForeignLedger.create(format);
    });
    after(() => ledger?.close());

    it('read every kind of value', async () => {
      const get = async (key: string): Promise<string> => {
        const { code, stdout, stderr } = await python('reader', ledger.path, 'main', 'get', key);
        return code === 0 ? stdout : `exit ${code}${stderr}`;
      };
      await until('the key has expired', () => Date.now() > ledger.expires);
      const keys = ['cfg:a', 'cfg:later', 'large', 'empty', '🔑/..', 'user:7', 'soon'];
      const read = Object.fromEntries(await Promise.all(keys.map(async (key) => [key, await get(key)] as const)));
      expect(read).to.deep.equal({
        'cfg:a': 'three',
        'cfg:later': 'y',
        large: `${LARGE}and a line more\n`,
        empty: '',
        '🔑/..': 'the value of 🔑/..',
        'user:7': 'exit 6',
        soon: 'exit 7',
      });
      const users = Array.from({ length: 300 }, (_, i) => `user:${i}`).filter((key) => key !== 'user:7');
      const { stdout } = await python('reader', ledger.path, 'main', 'list');
      expect(stdout.trimEnd().split('\n')).to.have.members(['cfg:a', 'cfg:later', 'large', 'empty', ...ODD_KEYS, ...users]);
    });

    it('find no fault in what is sound, and say what they cannot see', async () => {
      const { code, stdout, stderr } = await python('verifier', ledger.path, 'main');
      expect([code, stderr]).to.deep.equal([0, '']);
      expect(stdout).to.match(/^note: epoch one was compacted away: .*\nno fault\n$/);
    });

    if (format === 'sha1')
      for (const [what, said, spoil] of FAULTS)
        it(`find ${what}`, async () => {
          await spoil(ledger);
          const { code, stdout } = await python('verifier', ledger.path, 'main');
          await ledger.restore();
          expect(stdout).to.match(said);
          expect(code).to.equal(8);
        });
  });
}
