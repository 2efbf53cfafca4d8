import { Args } from '@oclif/core';
import { planRestore } from '../../../../domain/client/history/restore.js';
import { KvError } from '../../../../ports/error.js';
import { keyArgument } from '../../parse/argument-bytes.js';
import { AT_FLAG, type FlagTable, PUT_BACK_FLAGS } from '../../parse/flags.js';
import { oclifFlags } from '../../oclif/flags.js';
import { prose } from '../../render/prose.js';
import { KvCommand } from '../../oclif/base.js';
import { runWrite } from '../../fast/write.js';

const FLAGS = {
  at: { ...AT_FLAG.at, required: true },
  prefix: { type: 'string', summary: 'every key that starts with this', value: 'PREFIX' },
  ...PUT_BACK_FLAGS,
} as const satisfies FlagTable;

/** `git kv restore`: gives keys the values that they had. */
export class Restore extends KvCommand {
  static override inRealities = true;
  static override summary = 'put keys back to what they were';
  static override description = prose(`One new signed transaction that gives the keys the values they had then: a key
that was not there is deleted, a key that is as it was is left alone. Content types are kept; so are TTLs that have not passed,
and else the policy's default holds. When a key changes in the meantime, nothing is written and the exit code is 2.`);
  static override examples = [
    '<%= config.bin %> restore cfg:mode --at 2027-01-31T12:00:00Z',
    '<%= config.bin %> restore --prefix cfg: --at 4f0c2a91 --dry-run',
  ];
  static override args = { key: Args.string({ multiple: true, ignoreStdin: true, description: 'a key' }) };
  static override flags = oclifFlags(FLAGS);

  async run(): Promise<void> {
    const { flags, args } = await this.input(FLAGS);
    const { at = '', prefix } = flags;
    const keys = args.map((key) => keyArgument(key));
    if (prefix !== undefined && prefix !== '') keyArgument(prefix);
    if (keys.length === 0 && prefix === undefined)
      throw new KvError('USAGE', 'nothing to restore was named', { hint: 'name keys, or give --prefix TEXT' });
    await runWrite(flags, async ({ clone, ns }, progress) => {
      progress.phase('looking for what was there');
      return planRestore(clone, { ns, at, keys, ...(prefix === undefined ? {} : { prefix }) });
    });
  }
}
