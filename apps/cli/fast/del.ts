import { keyArgument } from '../parse/argument-bytes.js';
import type { DEL_FLAGS, FlagValues, GlobalValues } from '../parse/flags.js';
import { runWrite } from './write.js';

/** The flags of `del`, as they were given. */
export type DelFlags = GlobalValues & FlagValues<typeof DEL_FLAGS>;

/** `git kv del`, shared by the oclif command and by the fast path. */
export async function runDel(keys: readonly string[], flags: DelFlags): Promise<void> {
  const operations = keys.map((key) => ({ op: 'del', key: keyArgument(key) }) as const);
  await runWrite(flags, async () => operations, { strictDelete: true });
}
