import { cp, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { takeBackup } from '../../apps/stargate/backup/backup.js';
import { restoreBackup } from '../../apps/stargate/backup/restore.js';
import { failure } from '../support/failure.js';
import { HOST_KEYS } from '../support/root.js';
import { RootStargate } from '../support/worlds/root-stargate.js';

const ED25519 = 'ssh_host_ed25519_key';

describe('stargate: a backup of one of many repositories, with its host keys', () => {
  let stargate: RootStargate;
  let repo: string;
  let to: string;
  beforeEach(async () => {
    stargate = new RootStargate();
    repo = await stargate.make('ada/one', 'ada');
    to = stargate.sandbox.path('backup');
  });
  afterEach(() => stargate.close());

  const backup = (hostKeys: boolean) => takeBackup({ repo, to, policyPath: null, hostKeys, profile: null });

  it("has the root's keys, which its clients know, and is restored with them", async () => {
    await cp(HOST_KEYS, join(stargate.root, '.stargate'), { recursive: true });
    await backup(true);
    expect(await readFile(join(to, 'host-keys', ED25519))).to.deep.equal(await readFile(join(HOST_KEYS, ED25519)));
    const restored = stargate.sandbox.path('restored.git');
    const { newKinds } = await restoreBackup({ from: to, hostKeys: null }, restored, false);
    expect(newKinds).to.deep.equal([]);
    expect(await readFile(join(restored, '.stargate', ED25519))).to.deep.equal(await readFile(join(HOST_KEYS, ED25519)));
  });

  it('is not taken where there are none, rather than without them; without them it is taken when nobody asks for them', async () => {
    await failure(backup(true), 'CONFIG_INVALID');
    const { manifest } = await backup(false); // into the same folder: nothing was left
    expect(manifest.host_keys).to.equal(false);
  });
});
