import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { OWN_ID, ownRepositoryId } from '../../../apps/stargate/repository/own-id.js';
import { publishPolicy } from '../../../domain/gateway/commit/policy-ref.js';
import { ObjectNamer } from '../../../domain/git/object.js';
import { isRepositoryId } from '../../../domain/ledger/repository-id.js';
import { type Composition, openProfile } from '../../../plugins/host/index.js';
import type { GitStore } from '../../../ports/git/git-store.js';
import type { Hasher } from '../../../ports/hasher.js';
import { failure } from '../../support/failure.js';
import { TestClock } from '../../support/memory/memory.js';
import { memoryProfile } from '../../support/memory/gateway.js';

describe('a repository’s own id', () => {
  let gitDir: string;
  let composition: Composition;
  beforeEach(async () => {
    gitDir = await mkdtemp(join(tmpdir(), 'git-kv-test-'));
    await mkdir(join(gitDir, '.stargate'));
    composition = await openProfile(await memoryProfile('sha1', null), { directory: gitDir, env: process.env });
  });
  afterEach(async () => {
    await composition.close();
    await rm(gitDir, { recursive: true });
  });

  const file = (): string => join(gitDir, OWN_ID);
  const publish = async (repositoryId: string): Promise<void> => {
    const store = await composition.get<GitStore>('git-store');
    const namer = new ObjectNamer(await composition.get<Hasher>('hasher'), store.objectFormat);
    const updates = await publishPolicy(store, namer, new TestClock(), { policy: 'version: 1\n', hostKeys: [], repositoryId });
    await store.updateRefs(updates, 'policy');
  };
  const PUBLISHED = 'ab'.repeat(16);

  it('is made once, and kept', async () => {
    const id = await ownRepositoryId(gitDir, composition);
    expect(isRepositoryId(id)).to.equal(true);
    expect(await readFile(file(), 'utf8')).to.equal(`${id}\n`);
    expect(await ownRepositoryId(gitDir, composition)).to.equal(id);
    await publish(PUBLISHED);
    expect(await ownRepositoryId(gitDir, composition), 'its own word goes before what somebody published').to.equal(id);
    await rm(file());
    await composition.close();
    composition = await openProfile(await memoryProfile('sha1', null), { directory: gitDir, env: process.env });
    expect(await ownRepositoryId(gitDir, composition)).to.not.equal(id);
  });

  it('is the one that was published, where its file is lost or a mirror is all that is left', async () => {
    await publish(PUBLISHED);
    expect(await ownRepositoryId(gitDir, composition)).to.equal(PUBLISHED);
    expect(await readFile(file(), 'utf8')).to.equal(`${PUBLISHED}\n`);
  });

  it('is not guessed where its file holds something else', async () => {
    for (const text of ['', 'x\n', `${PUBLISHED.toUpperCase()}\n`, `${PUBLISHED}\n${PUBLISHED}\n`]) {
      await writeFile(file(), text);
      const error = await failure(ownRepositoryId(gitDir, composition), 'CONFIG_INVALID');
      expect(error.message).to.contain(file());
    }
    await rm(file());
    await mkdir(file());
    await failure(ownRepositoryId(gitDir, composition), 'IO_ERROR');
  });

  it('that can’t be written is no id', async () => {
    await rm(join(gitDir, '.stargate'), { recursive: true });
    await failure(ownRepositoryId(gitDir, composition), 'IO_ERROR');
  });
});
