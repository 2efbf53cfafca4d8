import { expect } from 'chai';
import { IsInt, IsOptional } from 'class-validator';
import { createRegistry, openProfile, type OpenProfileOptions, parseProfile } from '../../../plugins/host/index.js';
import {
  type AdapterModule,
  type Clock,
  KvError,
  type OpenAdapter,
  type PluginManifest,
  type PortName,
  tokenOf,
} from '../../../ports/index.js';
import { thrownBy } from '../../contracts/mirror-target.js';

class Config {
  @IsInt() size = 7;
  @IsOptional() @IsInt() other?: number;
}

/** A plugin whose adapters are given as `port/name`, and wrappers as `port/name/wraps`. */
function plugin(
  id: string,
  adapters: Record<string, OpenAdapter<never, unknown>>,
  config?: AdapterModule['Config'],
): PluginManifest {
  return {
    api: 1,
    id,
    adapters: Object.entries(adapters).map(([key, open]) => {
      const [port, name, wraps] = key.split('/') as [PortName, string, string | undefined];
      return {
        port,
        name,
        wraps: wraps !== undefined,
        module: async () => ({ open, ...(config ? { Config: config } : {}) }) as AdapterModule,
      };
    }),
  };
}

const options = (...plugins: PluginManifest[]): OpenProfileOptions => ({ directory: '/repo.git', env: { A: '1' }, plugins });

const yaml = (text: string) => parseProfile(text, 'p.yaml');

describe('plugin host', () => {
  it('opens an adapter once, when it is asked for, with the context', async () => {
    const seen: unknown[] = [];
    const chunker = plugin('x', {
      'chunker/x': async (config, { directory, env }) => {
        seen.push([config, directory, env]);
        return { one: 1 };
      },
    });
    const composition = await openProfile(await yaml('name: t\nadapters:\n  chunker: x\n'), options(chunker));
    expect(seen).to.deep.equal([]);
    const [one, two] = await Promise.all([composition.get('chunker'), composition.get('chunker')]);
    expect(one).to.equal(two);
    expect(seen).to.deep.equal([[undefined, '/repo.git', { A: '1' }]]);
    expect(composition.activeAdapters()).to.deep.equal([{ port: 'chunker', name: 'x', plugin: 'x' }]);
    expect(String(tokenOf('chunker'))).to.equal('Symbol(git-kv/chunker)');
  });

  it('gives adapters each other, and closes them in reverse', async () => {
    const log: string[] = [];
    const named =
      (name: string, ...needs: PortName[]): OpenAdapter<never, unknown> =>
      async (_, context) => {
        for (const need of needs) await context.get(need);
        log.push(`open ${name}`);
        return { close: async () => void log.push(`close ${name}`) };
      };
    const all = plugin('x', {
      'journal/x': named('journal', 'git-store', 'clock'),
      'git-store/x': named('store', 'clock'),
      'clock/x': named('clock'),
    });
    const composition = await openProfile(
      await yaml('name: t\nadapters: { journal: x, git-store: x, clock: x }\n'),
      options(all),
    );
    await composition.get('journal');
    await composition.close();
    await composition.close();
    expect(log).to.deep.equal(['open clock', 'open store', 'open journal', 'close journal', 'close store', 'close clock']);
    expect((await thrownBy(composition.get('journal'))).message).to.contain('closed');
  });

  it('closes everything even if one cannot be closed', async () => {
    const log: string[] = [];
    const failing = plugin('x', {
      'journal/x': async () => ({ close: () => Promise.reject(new KvError('IO_ERROR', 'stuck')) }),
      'clock/x': async () => ({ close: async () => void log.push('clock') }),
    });
    const composition = await openProfile(await yaml('name: t\nadapters: { journal: x, clock: x }\n'), options(failing));
    await composition.get('clock');
    await composition.get('journal');
    expect((await thrownBy(composition.close())).message).to.equal('stuck');
    expect(log).to.deep.equal(['clock']);
  });

  it('finds adapters that need each other, whoever asks first', async () => {
    const needs =
      (port: PortName): OpenAdapter<never, unknown> =>
      (_, context) =>
        context.get<object>(port);
    const circle = plugin('x', { 'journal/x': needs('git-store'), 'git-store/x': needs('clock'), 'clock/x': needs('journal') });
    const open = async () =>
      openProfile(await yaml('name: t\nadapters: { journal: x, git-store: x, clock: x }\n'), options(circle));
    const error = await thrownBy((await open()).get('journal'));
    expect(error.code).to.equal('PLUGIN_INVALID');
    expect(error.message).to.equal('p.yaml: adapters need each other: clock -> journal -> git-store -> clock');
    const both = await open();
    const errors = await Promise.all([
      thrownBy(both.get('git-store')),
      thrownBy(both.get('journal')),
      thrownBy(both.get('clock')),
    ]);
    expect(errors.map((one) => one.code)).to.deep.equal(['PLUGIN_INVALID', 'PLUGIN_INVALID', 'PLUGIN_INVALID']);
    const itself = plugin('y', { 'chunker/self': needs('chunker') });
    const alone = await openProfile(await yaml('name: t\nadapters: { chunker: self }\n'), options(itself));
    expect((await thrownBy(alone.get('chunker'))).message).to.contain('chunker -> chunker');
  });

  it('wraps: each layer gets the one below as its own port', async () => {
    const layer =
      (name: string): OpenAdapter<never, string> =>
      async (_, context) =>
        `${name}(${await context.get<string>('chunker')})`;
    const layers = plugin('x', {
      'chunker/core': async () => 'core',
      'chunker/a/wraps': layer('a'),
      'chunker/b/wraps': layer('b'),
    });
    const text = 'name: t\nadapters:\n  chunker: { use: core, wrap: [a, { use: b }] }\n';
    const composition = await openProfile(await yaml(text), options(layers));
    expect(await composition.get('chunker')).to.equal('b(a(core))');
    expect(composition.activeAdapters().map((one) => one.name)).to.deep.equal(['core', 'a', 'b']);
  });

  it('closes the inner adapter when its wrapper cannot be opened', async () => {
    let closed = 0;
    const layers = plugin('x', {
      'chunker/core': async () => ({ close: async () => void closed++ }),
      'chunker/bad/wraps': () => Promise.reject(new KvError('IO_ERROR', 'no')),
    });
    const composition = await openProfile(
      await yaml('name: t\nadapters: { chunker: { use: core, wrap: [bad] } }\n'),
      options(layers),
    );
    expect((await thrownBy(composition.get('chunker'))).message).to.equal('no');
    expect(closed).to.equal(1);
  });

  it('checks a configuration and names file, line and field; gives defaults without one', async () => {
    const sized = plugin('x', { 'chunker/x': async (config: Config) => config }, Config);
    const config = async (text: string): Promise<unknown> => (await openProfile(await yaml(text), options(sized))).get('chunker');
    expect(await config('name: t\nadapters:\n  chunker: x\n')).to.include({ size: 7 });
    expect(await config('name: t\nadapters:\n  chunker: { use: x, config: { other: 3 } }\n')).to.include({ size: 7, other: 3 });
    const error = await thrownBy(
      config(
        'name: t\nadapters:\n  chunker:\n    use: x\n    config:\n      size: big\n      sise: 3\n      __proto__: { size: 1 }\n',
      ),
    );
    expect(error.code).to.equal('CONFIG_INVALID');
    expect(error.message.split('\n')).to.have.members([
      'p.yaml:8: adapters.chunker.config.__proto__: unknown key',
      'p.yaml:6: adapters.chunker.config.size: must be an integer number',
      "p.yaml:7: adapters.chunker.config.sise: unknown key; did you mean 'size'?",
    ]);
    const plain = plugin('y', { 'chunker/y': async () => 1 });
    const none = await openProfile(await yaml('name: t\nadapters:\n  chunker: { use: y, config: { a: 1 } }\n'), options(plain));
    expect((await thrownBy(none.get('chunker'))).message).to.equal(
      "p.yaml:3: adapters.chunker.config.a: unknown key; 'y' takes no configuration",
    );
  });

  it('names the place of an adapter that does not exist, before it opens anything', async () => {
    const error = await thrownBy(
      openProfile(await yaml('name: t\nadapters:\n  clock: clock-system\n  journal: journal-fyle\n'), options()),
    );
    expect([error.code, error.message]).to.deep.equal([
      'CONFIG_INVALID',
      "p.yaml:4: adapters.journal: no journal adapter is called 'journal-fyle'",
    ]);
    expect(error.hint).to.contain('journal-file');
    const composition = await openProfile(await yaml('name: t\nadapters: {}\n'), options());
    expect((await thrownBy(composition.get('journal'))).message).to.contain("'t' names no journal adapter");
    expect((await thrownBy(openProfile('no-such', options()))).hint).to.contain('embedded');
    expect((await thrownBy(openProfile('./no-such.yaml', options()))).code).to.equal('IO_ERROR');
  });

  it('rebinds a port for a test', async () => {
    const composition = await openProfile(await yaml('name: t\nadapters: { clock: clock-system }\n'), options());
    const clock = { now: () => 42 };
    composition.rebind('clock', clock);
    composition.rebind('randomness', clock);
    expect((await composition.get<Clock>('clock')).now()).to.equal(42);
    expect(await composition.get('randomness')).to.equal(clock);
  });

  it('refuses a wrong manifest, saying which and why', () => {
    const entry = { port: 'clock', name: 'x', module: async () => ({ open: async () => 1 }) };
    const cases: [unknown, string][] = [
      [undefined, 'it exports no manifest'],
      [{ api: 2, id: 'x', adapters: [] }, 'it is made for plugin api 2, this is 1'],
      [{ id: 'x', adapters: [] }, 'it is made for plugin api none, this is 1'],
      [{ api: 1, adapters: [] }, 'the manifest has no id'],
      [{ api: 1, id: 'x' }, "the manifest's adapters are no list"],
      [{ api: 1, id: 'x', adapters: [null] }, 'adapters[0] is no adapter entry'],
      [{ api: 1, id: 'x', adapters: [{ ...entry, port: 'klock' }] }, "adapters[0].port 'klock' is no port"],
      [{ api: 1, id: 'x', adapters: [{ ...entry, name: 'A B' }] }, "adapters[0].name 'A B' is no adapter name"],
      [{ api: 1, id: 'x', adapters: [{ ...entry, module: './open.js' }] }, 'adapters[0].module is no function'],
      [{ api: 1, id: 'x', adapters: [entry, entry] }, "the clock adapter 'x' is brought by 'x' too"],
    ];
    for (const [manifest, what] of cases) {
      expect(() => createRegistry([{ manifest, from: 'here' }]))
        .to.throw(`plugin here: ${what}`)
        .with.property('code', 'PLUGIN_INVALID');
    }
    const good = { api: 1, id: 'x', adapters: [] };
    expect(() =>
      createRegistry([
        { manifest: good, from: 'a' },
        { manifest: good, from: 'b' },
      ]),
    ).to.throw("plugin b: the id 'x' is taken by a");
  });

  it('refuses that it is given no manifest, as an import that is misspelt gives none', async () => {
    const none = { ...options(), plugins: [undefined as unknown as PluginManifest] };
    const profile = await yaml('name: t\nadapters: { clock: clock-system }\n');
    expect(await thrownBy(openProfile(profile, none))).to.include({
      code: 'PLUGIN_INVALID',
      message: 'plugin that was given: it exports no manifest',
    });
  });

  it('refuses a module that opens nothing or cannot be imported', async () => {
    const broken: PluginManifest = {
      api: 1,
      id: 'x',
      adapters: [
        { port: 'clock', name: 'none', module: async () => ({}) as AdapterModule },
        { port: 'journal', name: 'gone', module: () => Promise.reject(new Error('cannot find package')) },
      ],
    };
    const composition = await openProfile(await yaml('name: t\nadapters: { clock: none, journal: gone }\n'), options(broken));
    expect((await thrownBy(composition.get('clock'))).message).to.contain("exports no function 'open'");
    const error = await thrownBy(composition.get('journal'));
    expect([error.code, error.message]).to.deep.equal([
      'PLUGIN_INVALID',
      "plugin x: journal adapter 'gone': cannot be imported: cannot find package",
    ]);
  });

  it('opens one adapter many times with a configuration that is looked at once', async () => {
    const seen: object[] = [];
    let imports = 0;
    const chunker = plugin('x', { 'chunker/x': async (config: object) => ({ number: seen.push(config) }) }, Config);
    const [entry] = chunker.adapters ?? [];
    if (entry === undefined) throw new Error('no adapter');
    const counting: typeof entry.module = () => {
      imports += 1;
      return entry.module();
    };
    const counted = { ...entry, module: counting };
    const composition = await openProfile(await yaml('name: t\nadapters: {}\n'), options({ ...chunker, adapters: [counted] }));
    const open = await composition.opener<{ number: number }>('chunker', 'x', { other: 3 });
    expect([seen.length, imports]).to.deep.equal([0, 1]);
    expect([(await open()).number, (await open()).number, imports]).to.deep.equal([1, 2, 1]);
    expect(seen[0]).to.be.instanceOf(Config).and.deep.equal({ size: 7, other: 3 });
    expect(seen[1]).to.equal(seen[0]);
    expect(Object.isFrozen(seen[0])).to.equal(true);
    expect((await thrownBy(composition.opener('chunker', 'x', { size: 'many' }))).code).to.equal('CONFIG_INVALID');
    expect((await thrownBy(composition.opener('chunker', 'y'))).code).to.equal('CONFIG_INVALID');
    await composition.open('chunker', 'x');
    expect(Object.isFrozen(seen[2])).to.equal(false); // its own
  });
});
