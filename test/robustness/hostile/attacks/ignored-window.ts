import { type Address, ForgedSsh } from './forged-ssh.js';

const LS_REFS = Buffer.from('0014command=ls-refs\n0000'.repeat(1300));

/** A reader's key: asks a fetch for more and more, whether or not there is room for it, and reads nothing. True when it was thrown out. */
export async function ignoredWindow(address: Address, keyFile: string, path: string, ms: number): Promise<boolean> {
  const forged = await ForgedSsh.proven(address, keyFile);
  const { send } = await forged.exec(`git-upload-pack '${path}'`, { env: { GIT_PROTOCOL: 'version=2' } });
  forged.deafen();
  await forged.hammer(ms, () => send(LS_REFS));
  return forged.end();
}
