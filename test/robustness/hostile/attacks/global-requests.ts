import { type Address, ForgedSsh } from './forged-ssh.js';

/** Nobody's key: asks for replies without end, before it logs in, and reads none of them. True when it was thrown out. */
export async function globalRequests(address: Address, ms: number): Promise<boolean> {
  const forged = await ForgedSsh.unproven(address);
  forged.deafen();
  await forged.hammer(ms, () => {
    for (let i = 0; i < 500; i++) forged.ask();
  });
  return forged.end();
}
