import type { World } from '../../test/support/worlds/world.js';

/** Runs a command in a clone; throws what it says when it fails. */
export async function must(world: World, clone: string, args: readonly string[], input?: string): Promise<void> {
  const { code, stderr } = await world.kv(clone, args, { person: 'ada', ...(input === undefined ? {} : { input }) });
  if (code !== 0) throw new Error(`git kv ${args[0]}: ${stderr}`);
}
