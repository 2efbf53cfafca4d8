import { type Address, ForgedSsh } from './forged-ssh.js';

/** A reader's key: asks for replies without end, and reads them or not. True when it was thrown out. */
export async function requestsAfterLogin(
  address: Address,
  keyFile: string,
  ms: number,
  { reads = false } = {},
): Promise<boolean> {
  const forged = await ForgedSsh.proven(address, keyFile);
  if (!reads) forged.deafen();
  await forged.hammer(ms, () => {
    for (let i = 0; i < 500; i++) forged.ask();
  });
  return forged.end();
}
