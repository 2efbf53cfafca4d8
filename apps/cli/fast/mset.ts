import { keepingTtls } from '../../../domain/client/write/value/prior-ttl.js';
import { readBatch } from '../parse/batch-file.js';
import type { FlagValues, GlobalValues, MSET_FLAGS } from '../parse/flags.js';
import { runWrite } from './write.js';

/** The flags of `mset`, as they were given. */
export type MsetFlags = GlobalValues & FlagValues<typeof MSET_FLAGS>;

/** `git kv mset`, shared by the oclif command and by the fast path. */
export async function runMset(flags: MsetFlags): Promise<void> {
  await runWrite(flags, async ({ clone }, progress) => {
    const operations = await readBatch(
      { file: flags.file ?? '-', allowed: flags['allow-files-from'] ?? [], now: clone.clock.now() },
      progress,
    );
    return flags['keep-ttl'] === true ? keepingTtls(operations) : operations;
  });
}
