import { Args } from '@oclif/core';
import { keyArgument } from '../parse/argument-bytes.js';
import { WRITE_FLAGS } from '../parse/flags.js';
import { oclifFlags } from '../oclif/flags.js';
import { prose } from '../render/prose.js';
import { WriteCommand } from '../oclif/write-command.js';

/** `git kv del`: deletes keys in one transaction. */
export class Del extends WriteCommand {
  static override summary = 'delete keys';
  static override description = prose(`All of them in one transaction. When one is not there, nothing is deleted
and the exit code is 6. What was there before stays in the history.`);
  static override examples = [
    '<%= config.bin %> del cfg:old',
    '<%= config.bin %> del user:1 user:2 --message "two accounts closed"',
  ];
  static override args = { key: Args.string({ required: true, multiple: true, ignoreStdin: true, description: 'a key' }) };
  static override flags = oclifFlags(WRITE_FLAGS);

  async run(): Promise<void> {
    const { flags, args } = await this.input(WRITE_FLAGS);
    const operations = args.map((key) => ({ op: 'del', key: keyArgument(key) }) as const);
    await this.writeAll(flags, async () => operations, { strictDelete: true });
  }
}
