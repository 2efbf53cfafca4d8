import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { ownPublicKey } from '../../apps/cli/io/signing-key.js';
import type { CloneConfig } from '../../ports/clone-config.js';
import { temporaryFolder } from '../support/temporary.js';

const KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEYIkO+3jZKDtKN6s0CUlPCY2vkT4PpVxmh2fvgYZVi2 ada';

describe("git kv init: the user's own public key", () => {
  const own = (signingKey: string): Promise<string | null> => {
    const settings: Readonly<Record<string, string>> = { 'gpg.format': 'ssh', 'user.signingkey': signingKey };
    return ownPublicKey({ get: (key: string) => settings[key] } as CloneConfig);
  };

  it('is what Git signs with, named by itself or by its file', async () => {
    const folder = await temporaryFolder();
    const file = join(folder.path, 'id');
    writeFileSync(`${file}.pub`, `${KEY}\n`);
    for (const named of [KEY, `key::${KEY}`, `${file}.pub`, file]) expect(await own(named), named).to.equal(KEY);
    await folder.remove();
  });

  it('is none that no policy could list', async () => {
    for (const bad of [KEY.replace('A', '!'), KEY.replace('YZVi2', ''), KEY.replaceAll('ssh-ed25519', 'ssh-dss'), '/nowhere'])
      expect(await own(bad), bad).to.equal(null);
  });
});
