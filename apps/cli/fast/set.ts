import { KvError } from '../../../ports/error.js';
import type { CAS_SET_FLAGS, FlagValues, GlobalValues, SET_FLAGS } from '../parse/flags.js';
import { setOperation } from '../parse/write-input.js';
import { runWrite } from './write.js';

/** The flags of `set`, as they were given. */
export type SetFlags = GlobalValues & FlagValues<typeof SET_FLAGS>;

/** The flags of `cas set`, as they were given. */
export type CasSetFlags = GlobalValues & FlagValues<typeof CAS_SET_FLAGS>;

/** `git kv set`, shared by the oclif command and by the fast path; `args` are the key and perhaps the value. */
export async function runSet(args: readonly string[], flags: SetFlags): Promise<void> {
  await runWrite(flags, async ({ clone }) => [await setOperation(args, flags, clone)]);
}

/** `git kv cas set`, as `runSet`, on conditions. */
export async function runCasSet(args: readonly string[], flags: CasSetFlags): Promise<void> {
  if (flags['expect-tree'] === undefined && flags['expect-blob'] === undefined) {
    throw new KvError('USAGE', 'cas set wants --expect-blob or --expect-tree', {
      hint: 'git kv get KEY --json gives oid and tree; --expect-blob none: there is no such key',
    });
  }
  await runWrite(flags, async ({ clone }) => [await setOperation(args, flags, clone)]);
}
