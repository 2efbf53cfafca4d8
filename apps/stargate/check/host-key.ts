import { stat } from 'node:fs/promises';
import { HOST_KEY_KINDS, hadNoKeys, homeOfKeys, keyFile, keyFolder, readHostKeys } from '../host-key/key-files.js';
import { namedKeys } from '../host-key/keyring.js';
import { type Check, ok, warning } from './check.js';

/** The SSH host keys are there, can be used, and nobody else can read them. */
export const HOST_KEY: Check = {
  name: 'host key',
  needs: ['repository'],
  async run({ gitDir }) {
    const home = await homeOfKeys(gitDir);
    if (home !== gitDir && (await hadNoKeys(home))) return [warning(`there is none: the first start of ${home} makes them`)];
    const keys = await readHostKeys(home);
    const folder = keyFolder(home);
    const missing = HOST_KEY_KINDS.filter((kind) => !keys.inUse.some((key) => key.kind === kind));
    const open: string[] = [];
    for (const { kind } of keys.inUse) {
      const file = keyFile(folder, kind);
      if (((await stat(file)).mode & 0o077) !== 0) open.push(file);
    }
    return [
      ...namedKeys(keys).map(({ type, fingerprint, state }) => ok(`${fingerprint} ${type}${state === 'next' ? ', next' : ''}`)),
      ...missing.map((kind) => warning(`there is no ${kind} key: the next start makes one`)),
      ...open.map((file) => warning(`others can read ${file}`, `chmod 600 ${file}`)),
    ];
  },
};
