import { EventEmitter } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect } from 'chai';
import { lastResort } from '../../../apps/stargate/process/last-resort.js';
import type { Log } from '../../../apps/stargate/log/log.js';
import { StandIns, standInFor } from '../../../apps/stargate/plugins/stand-in.js';
import { blamed, type Composition, openProfile, parseProfile } from '../../../plugins/host/index.js';
import type { Journal, LeaderLock, MirrorTarget } from '../../../ports/index.js';
import { replayed } from '../../contracts/journal.js';
import { thrownBy } from '../../contracts/mirror-target.js';
import { SILENT } from '../../support/silent-log.js';
import { type Temporary, temporaryFolder } from '../../support/temporary.js';

const entry = (port: string, name: string, open: string): string =>
  `{ port: '${port}', name: '${name}', module: async () => ({ open: ${open} }) }`;
const manifest = (id: string, ...entries: string[]): string =>
  `export const manifest = { api: 1, id: '${id}', adapters: [${entries.join(', ')}] };`;
const NEVER = 'new Promise(() => undefined)';

describe('plugins that are broken', () => {
  let folder: Temporary;
  beforeEach(async () => {
    folder = await temporaryFolder();
  });
  afterEach(() => folder.remove());

  /** Plugins by name and source, and what a profile says of adapters besides a clock of this project's. */
  const compose = async (plugins: Record<string, string>, adapters = '', standIn = standInFor(SILENT)): Promise<Composition> => {
    for (const [name, source] of Object.entries(plugins)) await writeFile(join(folder.path, `${name}.mjs`), source);
    const listed = Object.keys(plugins).map((name) => `./${name}.mjs`);
    const text = `name: t\nplugins: [${listed.join(', ')}]\nadapters:\n  clock: clock-system\n${adapters}`;
    const profile = await parseProfile(text, join(folder.path, 'p.yaml'));
    return openProfile(profile, { directory: folder.path, env: {}, patienceMs: 300, standIn });
  };

  for (const [what, source, says] of [
    [
      'throws when it is loaded',
      'throw new Error("boom");',
      /^plugin \.\/bad\.mjs \(in \S+p\.yaml:2\): throws when it is loaded: boom$/,
    ],
    ['is never loaded', `await ${NEVER};`, /^plugin \.\/bad\.mjs \(.*\): is not loaded within 0\.3 s$/],
    [
      'is for another api',
      'export const manifest = { api: 2, id: "bad", adapters: [] };',
      /^plugin \.\/bad\.mjs \(.*\): it is made for plugin api 2, this is 1$/,
    ],
    ['has the id of another', manifest('good'), /^plugin \.\/bad\.mjs \(.*\): the id 'good' is taken by \.\/good\.mjs/],
    ['has the id of this project', manifest('git-kv'), /^plugin \.\/bad\.mjs \(.*\): the id 'git-kv' is taken by git-kv$/],
    [
      'claims an adapter of this project',
      manifest('bad', entry('clock', 'clock-system', 'null')),
      /^plugin \.\/bad\.mjs \(.*\): the clock adapter 'clock-system' is brought by 'git-kv' too$/,
    ],
  ] as const) {
    it(`one that ${what} is named, and keeps nobody else from working`, async () => {
      const good = manifest('good', entry('hasher', 'good', 'async () => ({ good: true })'));
      const composition = await compose({ good, bad: source }, '  hasher: good\n');
      expect(composition.failed.map(({ code }) => code)).to.deep.equal(['PLUGIN_INVALID']);
      expect(composition.failed[0]?.message).to.match(says);
      expect(composition.failed[0]?.hint).to.not.match(/looked for/); // it is there
      expect(await composition.get('hasher')).to.deep.equal({ good: true });
      expect(await composition.get('clock')).to.be.an('object');
      await composition.close();
    });
  }

  it('are named by the error of whoever needs them', async () => {
    const composition = await compose({ bad: 'throw new Error("boom");' }, '  journal: mine\n');
    const error = await thrownBy(composition.get('journal'));
    expect(error.code).to.equal('PLUGIN_INVALID');
    expect(error.hint).to.equal('ask who wrote the plugin, or take it out of the profile');
    expect(error.message).to.match(/p\.yaml:5: adapters\.journal: no journal adapter is called 'mine'; .*\.\/bad\.mjs.*boom$/);
  });

  it('that never open are given up, named; what they open too late is closed', async () => {
    const late = entry('journal', 'late', `() => new Promise((resolve) => { globalThis.openLate = (value) => resolve(value); })`);
    const composition = await compose(
      { slow: manifest('slow', entry('hasher', 'never', `() => ${NEVER}`), late) },
      '  hasher: never\n  journal: late\n',
    );
    const error = await thrownBy(composition.get('hasher'));
    expect([error.code, error.message]).to.deep.equal([
      'PLUGIN_INVALID',
      "plugin slow: hasher adapter 'never': does not open within 0.3 s",
    ]);
    await thrownBy(composition.get('journal'));
    await new Promise<void>((closed) => {
      const { openLate } = globalThis as unknown as { openLate(value: object): void }; // the plugin above has put it there
      openLate({ close: async () => closed() });
    });
  });

  it('that never open as a mirror are waited for once, not at each term; those that throw are tried at each', async () => {
    for (const [name, open, tried] of [
      ['never', `() => { globalThis.tries += 1; return ${NEVER}; }`, 1],
      ['throws', `() => { globalThis.tries += 1; throw new Error('boom'); }`, 2],
    ] as const) {
      Object.assign(globalThis, { tries: 0 });
      const standIns = new StandIns(SILENT);
      const plugins = { [name]: manifest(name, entry('mirror-target', name, open)) };
      for (const term of [1, 2]) {
        const composition = await compose(plugins, `  mirror-target: ${name}\n`, standIns.standIn);
        if (term > 1) standIns.spare(composition);
        const mirror = await composition.get<MirrorTarget>('mirror-target');
        expect((await thrownBy(mirror.push([]))).message).to.match(/does not open within 0\.3 s$|: open: boom$/);
        await composition.close();
      }
      expect((globalThis as unknown as { tries: number }).tries, name).to.equal(tried);
    }
  });

  it('whose calls throw are named, whatever they throw, in what they give too', async () => {
    const source = manifest(
      'bad',
      entry(
        'leader-lock',
        'bad',
        `async () => ({ capabilities: { multiHost: true }, holder() { throw 'text'; }, acquire: async () => ({ term: 1, held: async () => { throw new Error('lost it'); } }) })`,
      ),
      entry(
        'journal',
        'bad',
        `async () => ({ append: async () => undefined, async *replay() { yield { kind: 'done', id: '1' }; throw new Error('torn'); } })`,
      ),
    );
    const composition = await compose({ bad: source }, '  leader-lock: bad\n  journal: bad\n');
    const lock = await composition.get<LeaderLock>('leader-lock');
    const lease = await lock.acquire('me');
    const journal = await composition.get<Journal>('journal');
    const errors = [
      await thrownBy((async () => lock.holder())()),
      await thrownBy(lease?.held() ?? Promise.resolve()),
      await thrownBy(replayed(journal)),
    ];
    expect(errors.map(({ code, message }) => `${code} ${message}`)).to.deep.equal([
      "PLUGIN_INVALID plugin bad: leader-lock adapter 'bad': holder: text",
      "PLUGIN_INVALID plugin bad: leader-lock adapter 'bad': held: lost it",
      "PLUGIN_INVALID plugin bad: journal adapter 'bad': next: torn",
    ]);
    expect([lease?.term, lock.capabilities]).to.deep.equal([1, { multiHost: true }]);
  });

  it('leave a Stargate without its mirror, and nothing else', async () => {
    const source = manifest('bad', entry('mirror-target', 'bad', `() => ${NEVER}`), entry('hasher', 'bad', `() => ${NEVER}`));
    const composition = await compose({ bad: source }, '  mirror-target: bad\n  hasher: bad\n');
    const mirror = await composition.get<MirrorTarget>('mirror-target');
    expect((await thrownBy(mirror.push([]))).message).to.contain("plugin bad: mirror-target adapter 'bad': does not open");
    expect((await thrownBy(composition.get('hasher'))).code).to.equal('PLUGIN_INVALID');
  });

  it('that throw later, where nobody can catch it, are named in the log, and the process goes on', async () => {
    const home = join(folder.path, 'node_modules', 'bad');
    await mkdir(home, { recursive: true });
    await writeFile(join(home, 'package.json'), '{"name":"bad","type":"module","main":"main.js"}');
    await writeFile(join(home, 'main.js'), `${manifest('bad')}\nexport const later = () => { null.nothing; };`);
    const profile = await parseProfile('name: t\nplugins: [bad]\nadapters: {}\n', join(folder.path, 'p.yaml'));
    const { loaded } = await openProfile(profile, { directory: folder.path, env: {} });
    const { later } = (await import(pathToFileURL(join(home, 'main.js')).href)) as { later(): void };
    const theirs = await new Promise<unknown>((resolve) => {
      process.nextTick(() => {
        // Node's own frames are below a timer's; here a function of this test is, so it is called without any.
        try {
          Reflect.apply(later, undefined, []);
        } catch (error) {
          (error as Error).stack = (error as Error).stack?.split('\n').slice(0, 2).join('\n') ?? '';
          resolve(error);
        }
      });
    });
    const logged: [string, unknown][] = [];
    const log: Log = { ...SILENT, error: (event, facts) => void logged.push([event, facts?.['plugin']]) };
    const source = new EventEmitter();
    const resort = lastResort(
      source,
      log,
      () => undefined,
      10,
      (thrown) => blamed(thrown, loaded)?.id,
    );
    source.emit('uncaughtException', theirs);
    expect([logged, resort.isBroken()]).to.deep.equal([[['plugin.threw', 'bad']], false]);
    source.emit('uncaughtException', new Error('ours'));
    expect([logged.length, resort.isBroken()]).to.deep.equal([2, true]);
    resort.close();
  });
});
