import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { Type } from 'class-transformer';
import { IsBoolean, IsInt, IsOptional, IsString, ValidateNested } from 'class-validator';
import { type Change, changeProfile, findProfile, openProfile, parseProfile, type Source } from '../../../plugins/host/index.js';
import type { AdapterModule, PluginManifest, PortName } from '../../../ports/index.js';
import { thrownBy } from '../../contracts/mirror-target.js';
import { type Temporary, temporaryFolder } from '../../support/temporary.js';

class Tls {
  @IsInt() port = 1;
}
class Host {
  @IsString() name = 'localhost';
  @ValidateNested() @Type(() => Tls) tls = new Tls();
}
class Config {
  @IsInt() resetMs = 7;
  @IsOptional() @IsString() path?: string;
  @IsBoolean() loud = false;
  @IsString() password = 'hunter2';
  @IsString() url = 'https://ada:secret@host.example/';
  @ValidateNested() @Type(() => Host) host = new Host();
}

const module = async (): Promise<AdapterModule> => ({ Config, open: async (config) => config }) as AdapterModule;
const entry = (port: PortName, name: string, wraps = false) => ({ port, name, wraps, module });
const PLUGIN: PluginManifest = {
  api: 1,
  id: 'trial',
  adapters: [entry('journal', 'sized'), entry('journal', 'other'), entry('journal', 'around', true)],
};
const options = { directory: '/repo.git', env: {}, plugins: [PLUGIN] };

describe('profiles that extend others', () => {
  let folder: Temporary;
  beforeEach(async () => {
    folder = await temporaryFolder();
  });
  afterEach(() => folder.remove());

  const file = async (name: string, text: string): Promise<string> => {
    const path = join(folder.path, name);
    await mkdir(join(path, '..'), { recursive: true });
    await writeFile(path, text);
    return path;
  };
  const config = async (path: string): Promise<unknown> => {
    const composition = await openProfile(path, options);
    return composition.get('journal');
  };

  it('take what they do not name from above, key by key, over any number of files', async () => {
    await file(
      'below/base.yaml',
      'name: base\nadapters:\n  journal: { use: sized, config: { path: a, host: { name: x } }, wrap: [] }\n',
    );
    await file('middle.yaml', 'name: middle\nextends: below/base.yaml\nadapters:\n  journal: { config: { resetMs: 3 } }\n');
    const top = await file(
      'top.yaml',
      'name: top\nextends: ./middle.yaml\nadapters:\n  journal:\n    config: { host: { tls: { port: 9 } } }\n',
    );
    const found = (await config(top)) as Config;
    expect([found.path, found.resetMs, found.host.name, found.host.tls.port]).to.deep.equal(['a', 3, 'x', 9]);
    const [use] = await (await openProfile(top, options)).values();
    expect(use).to.deep.include({ name: 'adapters.journal.use', value: 'sized', source: 'profile' });
    expect(use?.where).to.equal(`${join(folder.path, 'below/base.yaml')}:3`);
  });

  it('put an adapter with a name of its own in the place of the inherited one, with nothing of it', async () => {
    await file('base.yaml', 'name: base\nadapters:\n  journal: { use: sized, config: { path: a }, wrap: [around] }\n');
    const top = await file('top.yaml', 'name: top\nextends: ./base.yaml\nadapters: { journal: other }\n');
    expect(await config(top))
      .to.include({ resetMs: 7 })
      .and.not.to.have.property('path', 'a');
    expect((await findProfile(top)).adapters.journal?.wrap).to.deep.equal([]);
  });

  it('extend a built-in one by its name', async () => {
    const top = await file('top.yaml', 'name: top\nextends: embedded\nadapters:\n  mirror-target: { wrap: [breaker, retry] }\n');
    const profile = await findProfile(top);
    expect(profile.adapters['mirror-target']).to.deep.include({ use: 'mirror-git' });
    expect(profile.adapters['mirror-target']?.wrap.map(({ use }) => use)).to.deep.equal(['breaker', 'retry']);
    const names = (await openProfile(profile, options))
      .activeAdapters()
      .flatMap(({ port, name }) => (port === 'mirror-target' ? name : []));
    expect(names).to.deep.equal(['mirror-git', 'breaker', 'retry']);
  });

  it('find plugins from the file that lists them', async () => {
    const manifest = `export const manifest = { api: 1, id: 'near', adapters: [
      { port: 'clock', name: 'near', module: async () => ({ open: async () => ({ near: true }) }) }] };`;
    await file('below/plugin.mjs', manifest);
    await file('below/base.yaml', 'name: base\nplugins: [./plugin.mjs]\nadapters: { clock: near }\n');
    const top = await file('top.yaml', 'name: top\nextends: ./below/base.yaml\n');
    expect(await (await openProfile(top, options)).get('clock')).to.deep.equal({ near: true });
  });

  for (const [what, files, says] of [
    ['itself', { a: './a.yaml' }, /a\.yaml:2: extends: profiles extend each other in a circle: \S+a\.yaml -> \S+a\.yaml$/],
    [
      'in a circle',
      { a: './b.yaml', b: './c.yaml', c: './b.yaml' },
      /c\.yaml:2: extends: .* circle: \S+b\.yaml -> \S+c\.yaml -> \S+b\.yaml$/,
    ],
    ['nothing', { a: './b.yaml' }, /a\.yaml:2: extends: cannot read the profile \S+b\.yaml: ENOENT$/],
    ['no profile', { a: 'embeded' }, /a\.yaml:2: extends: no profile is called 'embeded'$/],
  ] as const) {
    it(`are refused with one error when one extends ${what}`, async () => {
      for (const [name, above] of Object.entries(files)) await file(`${name}.yaml`, `name: ${name}\nextends: ${above}\n`);
      const error = await thrownBy(findProfile(join(folder.path, 'a.yaml')));
      expect(error.code).to.equal('CONFIG_INVALID');
      expect(error.message).to.match(says);
      if (what === 'no profile') expect(error.hint).to.contain("did you mean 'embedded'?");
    });
  }
});

describe('what is wrong in a profile', () => {
  for (const [what, text, says, hint] of [
    ['a key', 'name: t\nadaptors: {}\nadapters: {}\n', "p.yaml:2: adaptors: unknown key; did you mean 'adapters'?"],
    ['a port', 'name: t\nadapters:\n  jurnal: x\n', "p.yaml:3: adapters.jurnal: unknown key; did you mean 'journal'?"],
    ['the version', 'version: 2\nname: t\nadapters: {}\n', 'p.yaml:1: version: this reads version 1 of profiles alone'],
    ['hosts', 'name: t\nhosts: two\nadapters: {}\n', 'p.yaml:2: hosts: must be one or many'],
    [
      'an adapter',
      'name: t\nadapters:\n  journal: sizd\n',
      "p.yaml:3: adapters.journal: no journal adapter is called 'sizd'",
      "did you mean 'sized'?",
    ],
    [
      'an adapter of another port',
      'name: t\nadapters:\n  journal: lock-flock\n',
      "p.yaml:3: adapters.journal: no journal adapter is called 'lock-flock'; it is an adapter for leader-lock",
    ],
    [
      'a wrapper alone',
      'name: t\nadapters:\n  journal: around\n',
      "p.yaml:3: adapters.journal: no journal adapter is called 'around'; it is a wrapper, and belongs under wrap",
    ],
    [
      'an adapter as wrapper',
      'name: t\nadapters:\n  journal: { use: sized, wrap: [other] }\n',
      "p.yaml:3: adapters.journal.wrap[0]: no wrapper of a journal is called 'other'; it is no wrapper, and belongs under use",
    ],
    [
      'a wrong type',
      'name: t\nadapters:\n  journal:\n    use: sized\n    config: { resetMs: soon }\n',
      'p.yaml:5: adapters.journal.config.resetMs: must be an integer number',
    ],
    [
      'a wrong type three levels deep',
      'name: t\nadapters:\n  journal:\n    use: sized\n    config:\n      host:\n        tls:\n          port: high\n',
      'p.yaml:8: adapters.journal.config.host.tls.port: must be an integer number',
    ],
    [
      'a wrong key two levels deep',
      'name: t\nadapters:\n  journal:\n    use: sized\n    config:\n      host:\n        nam: x\n',
      "p.yaml:7: adapters.journal.config.host.nam: unknown key; did you mean 'name'?",
    ],
    [
      'a key that is like none',
      'name: t\nadapters:\n  journal:\n    use: sized\n    config: { quux: 1 }\n',
      'p.yaml:5: adapters.journal.config.quux: unknown key (known: resetMs, path, loud, password, url, host)',
    ],
  ] as const) {
    it(`${what}: is one error with file, line and what was meant`, async () => {
      const opening = parseProfile(text, 'p.yaml').then(async (profile) => (await openProfile(profile, options)).get('journal'));
      const error = await thrownBy(opening);
      expect([error.code, error.message]).to.deep.equal(['CONFIG_INVALID', says]);
      if (hint !== undefined) expect(error.hint).to.contain(hint);
    });
  }

  it('a lock of one host, where there are many', async () => {
    const text = (hosts: string) =>
      `name: t\nhosts: ${hosts}\nadapters:\n  leader-lock: lock-memory\n  clock: clock-system\n  randomness: clock-system\n`;
    const opened = async (hosts: string) =>
      (await openProfile(await parseProfile(text(hosts), 'p.yaml'), options)).get('leader-lock');
    await opened('one');
    const error = await thrownBy(opened('many'));
    expect([error.code, error.message]).to.deep.equal([
      'CONFIG_INVALID',
      "p.yaml:4: adapters.leader-lock: 'lock-memory' is a lock of one host",
    ]);
    expect(error.hint).to.contain('p.yaml:2 says hosts: many');
  });
});

describe('values that stand above a profile', () => {
  const TEXT = 'name: t\nadapters:\n  journal: { use: sized, config: { resetMs: 1, path: p }, wrap: [around] }\n';
  const change = (path: string, text: string, source: Source = 'environment'): Change => ({
    path: path.split('.'),
    text,
    place: { source, where: `from ${source}` },
  });
  const changed = async (...changes: Change[]) =>
    openProfile(changeProfile(await parseProfile(TEXT, 'p.yaml'), changes), options);

  it('are read as the type that their key wants, however their name is spelt; the last one counts', async () => {
    const composition = await changed(
      change('JOURNAL.RESET_MS', '3', 'repository'),
      change('journal.resetms', '5'),
      change('journal.path', '42'),
      change('Journal.Loud', 'true'),
      change('journal.host', '{"name":"h","tls":{"port":2}}'),
      change('journal.around.reset_ms', '8', 'flag'),
    );
    const values = Object.fromEntries(
      (await composition.values()).map(({ name, value, source }) => [name.replace('adapters.journal.', ''), [value, source]]),
    );
    expect(values).to.deep.include({
      use: ['sized', 'profile'],
      'config.resetMs': [5, 'environment'],
      'config.path': ['42', 'environment'],
      'config.loud': [true, 'environment'],
      'config.host.tls.port': [2, 'environment'],
      'config.password': ['(hidden)', 'default'],
      'config.url': ['https://host.example/', 'default'],
      'wrap[0].use': ['around', 'profile'],
      'wrap[0].config.resetMs': [8, 'flag'],
    });
    expect(await composition.get('journal')).to.include({ resetMs: 8 });
  });

  it('find a wrapper by either of its names, and by the one that is written first', async () => {
    const wraps = async (wrap: string, said: string): Promise<(string | undefined)[]> => {
      const profile = await parseProfile(`name: t\nadapters:\n  mirror-target: { use: x, wrap: ${wrap} }\n`, 'p.yaml');
      const { adapters } = changeProfile(profile, [change(`mirror-target.${said}.resetMs`, '5')]);
      return (adapters['mirror-target']?.wrap ?? []).map(({ set }) => set?.[0]?.text);
    };
    expect(await wraps('[retry, mirror-breaker]', 'breaker')).to.deep.equal([undefined, '5']);
    expect(await wraps('[retry, breaker]', 'MIRROR_BREAKER')).to.deep.equal([undefined, '5']);
    expect(await wraps('[mirror-breaker, breaker]', 'breaker')).to.deep.equal([undefined, '5']);
  });

  it('may name another adapter, without the configuration of the named one', async () => {
    const composition = await changed(change('journal.use', 'other', 'flag'));
    const [use, resetMs] = await composition.values();
    expect([use?.value, use?.source, use?.where, resetMs?.value]).to.deep.equal(['other', 'flag', 'from flag', 7]);
  });

  for (const [path, text, says, hint] of [
    ['jurnal.path', 'x', "from environment: no port is called 'jurnal'", "did you mean 'journal'?"],
    ['clock.path', 'x', "from environment: the profile 't' names no clock adapter", 'there are: journal'],
    [
      'journal.arround.path',
      'x',
      "from environment: no wrapper around the journal is called 'arround'",
      "did you mean 'around'?",
    ],
    ['journal', 'x', "from environment: 'journal' names no value", 'journal.KEY'],
    [
      'journal.reset_mz',
      '1',
      "from environment: adapters.journal.config.reset_mz: unknown key; did you mean 'resetMs'?",
      'correct',
    ],
    ['journal.reset_ms', 'soon', 'from environment: adapters.journal.config.resetMs: must be an integer number', 'correct'],
  ] as const) {
    it(`are refused with their place: ${path}=${text}`, async () => {
      const error = await thrownBy(changed(change(path, text)).then((composition) => composition.values()));
      expect([error.code, error.message]).to.deep.equal(['CONFIG_INVALID', says]);
      expect(error.hint).to.contain(hint);
    });
  }
});
