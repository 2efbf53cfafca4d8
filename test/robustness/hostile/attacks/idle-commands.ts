import { type Address, ForgedSsh, pause } from './forged-ssh.js';

/** Keys of the policy: each starts as many commands as it can on connections of their own, and says nothing more. Gives how many stood. */
export async function idleCommands(
  address: Address,
  keyFiles: readonly string[],
  command: string,
  { each, ms }: { readonly each: number; readonly ms: number },
): Promise<number> {
  const started = await Promise.all(
    keyFiles.flatMap((keyFile) =>
      Array.from({ length: each }, async () => {
        const forged = await ForgedSsh.proven(address, keyFile).catch(() => undefined); // no room
        await forged?.exec(command).catch(() => undefined); // no room either
        return forged;
      }),
    ),
  );
  await pause(ms);
  const standing = started.filter((forged) => forged?.alive).length;
  for (const forged of started) forged?.end();
  return standing;
}
