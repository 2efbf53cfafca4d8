import { Args } from '@oclif/core';
import { DEL_FLAGS } from '../../parse/flags.js';
import { oclifFlags } from '../../oclif/flags.js';
import { prose } from '../../render/prose.js';
import { runDel } from '../../fast/del.js';
import { KvCommand } from '../../oclif/base.js';

/** `git kv del`: deletes keys in one transaction. */
export class Del extends KvCommand {
  static override inRealities = true;
  static override summary = 'delete keys';
  static override description = prose(`All of them in one transaction. When one is not there, nothing is deleted
and the exit code is 6. What was there before stays in the history.`);
  static override examples = [
    '<%= config.bin %> del cfg:old',
    '<%= config.bin %> del user:1 user:2 --message "two accounts closed"',
  ];
  static override args = { key: Args.string({ required: true, multiple: true, ignoreStdin: true, description: 'a key' }) };
  static override flags = oclifFlags(DEL_FLAGS);

  async run(): Promise<void> {
    const { flags, args } = await this.input(DEL_FLAGS);
    await runDel(args, flags);
  }
}
