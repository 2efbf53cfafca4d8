import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { MemoryHost, openMemoryMirror } from '../../../adapters/mirror-memory/open.js';
import { nodeHasher } from '../../../adapters/hasher-node/open.js';
import { type Finding, runChecks, type Subject } from '../../../apps/stargate/check/check.js';
import { FIRST } from '../../../apps/stargate/check/checks.js';
import { JOURNAL } from '../../../apps/stargate/check/journal.js';
import { LOCK } from '../../../apps/stargate/check/lock.js';
import { MIRROR } from '../../../apps/stargate/check/mirror.js';
import { PROFILE } from '../../../apps/stargate/check/repository.js';
import { type Composition, openProfile } from '../../../plugins/host/index.js';
import { KvError } from '../../../ports/error.js';
import type { Journal } from '../../../ports/stargate/journal.js';
import { memory } from '../../support/memory/memory.js';

describe('git-kv-stargate check, by its parts', () => {
  const subject = (over: Partial<Subject>): Subject => over as Partial<Subject> as Subject;

  it('counts what a Stargate has written to the mirror, and nothing else', async () => {
    const { store } = memory();
    const host = new MemoryHost();
    const ports: Readonly<Record<string, unknown>> = {
      'git-store': store,
      hasher: nodeHasher(),
      'mirror-target': openMemoryMirror({ host, store, label: 'the host' }),
    };
    const composition = { get: async (port: string) => ports[port] } as Partial<Composition> as Composition;
    const said = async (): Promise<readonly Finding[]> => MIRROR.run(subject({ composition: async () => composition }));
    expect(await said()).to.deep.equal([{ level: 'ok', what: 'the host, 0 refs of ours' }]);
    host.refs.set('refs/heads/main', '1'.repeat(40)).set('refs/kv/main', '1'.repeat(40));
    expect(await said()).to.deep.equal([{ level: 'ok', what: 'the host, 1 ref of ours' }]);
    for (const ref of ['refs/kv-index/main', 'refs/kv-chunks/main@a', 'refs/kv-policy/current', 'refs/kv-mirror/main'])
      host.refs.set(ref, '1'.repeat(40));
    expect(await said()).to.deep.equal([{ level: 'ok', what: 'the host, 5 refs of ours' }]);
  });

  it("warns of a plugin that can't be used, though no adapter of it is asked for", async () => {
    const composition = {
      get: async () => ({}),
      profile: { name: 'embedded', file: 'embedded', adapters: {} },
      activeAdapters: () => [],
      failed: [new KvError('PLUGIN_INVALID', 'plugin ./x.js (--plugin): cannot be found', { hint: 'correct the path' })],
    } as unknown as Composition; // what a check of the profile asks of it
    expect(await PROFILE.run(subject({ gitDir: '/nonexistent', composition: async () => composition }))).to.deep.equal([
      { level: 'ok', what: 'embedded' },
      { level: 'warning', what: 'plugin ./x.js (--plugin): cannot be found', hint: 'correct the path' },
    ]);
  });

  it('asks a lock that holds between hosts who leads, and leaves one of this host alone', async () => {
    const locked = (lock: object): Promise<readonly Finding[]> =>
      LOCK.run(subject({ composition: async () => ({ get: async () => lock }) as Partial<Composition> as Composition }));
    const many = { capabilities: { multiHost: true } };
    expect(await locked({ ...many, holder: async () => null })).to.deep.equal([{ level: 'ok', what: 'nobody leads' }]);
    expect(await locked({ ...many, holder: async () => ({ name: 'kv-1', term: 7 }) })).to.deep.equal([
      { level: 'ok', what: 'kv-1 leads, term 7' },
    ]);
    expect(await locked({ capabilities: { multiHost: false } })).to.deep.equal([]); // it has no holder() to be asked
    const away = new KvError('IO_ERROR', 'etcd refuses connections');
    const composition = {
      get: async () => ({ ...many, holder: () => Promise.reject(away) }),
    } as Partial<Composition> as Composition;
    const found = await runChecks([LOCK], subject({ composition: async () => composition }));
    expect(found[0]).to.include({ level: 'fault', what: 'etcd refuses connections', code: 'IO_ERROR' });
  });

  it('reads the journal to its end, where one is, and makes none', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'git-kv-check-'));
    try {
      const opened = () => openProfile('embedded', { directory: folder, env: {} });
      const look = async (): Promise<readonly Finding[]> => {
        const composition = await opened();
        try {
          return await runChecks([JOURNAL], subject({ gitDir: folder, composition: async () => composition }));
        } finally {
          await composition.close();
        }
      };
      const place = '.stargate/journal.ndjson';
      const told = { check: 'journal', level: 'ok' };
      expect(await look()).to.deep.equal([{ ...told, what: `there is none at ${place}: the next start makes one` }]);
      expect(existsSync(join(folder, place))).to.equal(false);
      const composition = await opened();
      const journal = await composition.get<Journal>('journal');
      const record = { kind: 'intent', id: '01', term: 1, ts: 'now', updates: [], events: [] } as const;
      await journal.append(record);
      expect(await look(), 'while another one writes').to.deep.equal([
        { ...told, what: `${place}, 1 record, 1 of a write that the start will finish or undo` },
      ]);
      await journal.append({ kind: 'done', id: '01' });
      await journal.append({ ...record, id: '02' });
      await composition.close();
      const bytes = readFileSync(join(folder, place), 'utf8');
      writeFileSync(join(folder, place), bytes.replace('"term":1', '"term":2'));
      const [damaged] = await look();
      expect(damaged).to.deep.include({ level: 'fault', code: 'JOURNAL_CORRUPT' });
      expect(readFileSync(join(folder, place), 'utf8'), 'nothing is mended').to.equal(bytes.replace('"term":1', '"term":2'));
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it("leaves a journal without a place alone, and one that is its writer's", async () => {
    const profile = (use: string) => ({ name: 'own', file: 'own', adapters: { journal: { use, config: {}, wrap: [] } } });
    const look = (use: string, gitDir: string): Promise<readonly Finding[]> => {
      const get = async () => ({ capabilities: { durable: true } }); // no replay() to be asked
      const composition = { profile: profile(use), get } as unknown as Composition;
      return JOURNAL.run(subject({ gitDir, composition: async () => composition }));
    };
    expect(await look('journal-memory', '/nonexistent')).to.deep.equal([]);
    const folder = await mkdtemp(join(tmpdir(), 'git-kv-check-'));
    try {
      mkdirSync(join(folder, '.stargate'));
      writeFileSync(join(folder, '.stargate', 'journal.ndjson'), 'x');
      const [found] = await look('journal-file', folder);
      expect(found).to.deep.include({ level: 'warning' });
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('says of a folder that is not there that, alone', async () => {
    const [found, ...more] = await runChecks(FIRST, subject({ gitDir: '/nonexistent/nope.git' }));
    expect(more).to.deep.equal([]);
    expect(found).to.include({ level: 'fault', what: 'there is no repository at /nonexistent/nope.git', code: 'CONFIG_INVALID' });
    expect(found?.hint).to.contain('init');
    expect(await runChecks(FIRST, subject({ gitDir: '/' }))).to.deep.equal([]);
  });
});
