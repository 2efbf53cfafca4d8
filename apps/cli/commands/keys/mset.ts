import { MSET_FLAGS } from '../../parse/flags.js';
import { oclifFlags } from '../../oclif/flags.js';
import { prose } from '../../render/prose.js';
import { runMset } from '../../fast/mset.js';
import { KvCommand } from '../../oclif/base.js';

/** `git kv mset`: a batch of operations in one transaction. */
export class Mset extends KvCommand {
  static override inRealities = true;
  static override summary = 'set and delete many keys in one transaction';
  static override description = prose(`A line sets or deletes one key:

  {"op":"set","key":"cfg:mode","value":"on"}
  {"op":"set","key":"user:1:avatar","file":"a.png","ctype":"image/png","ttl":"30d"}
  {"op":"set","key":"bin","value_b64":"AAEC"}
  {"op":"del","key":"cfg:old"}

A file's path is relative to the batch's folder, or to the current one for standard input, and stays below it, links followed, unless
--allow-files-from allows another folder. Every line is checked before
anything is written; blank lines are ignored. The last operation on a key wins, with a warning. Deleting what is not
there is a warning too.`);
  static override examples = ['<%= config.bin %> mset --file batch.jsonl', 'generate | <%= config.bin %> mset -f - --dry-run'];
  static override flags = oclifFlags(MSET_FLAGS);

  async run(): Promise<void> {
    const { flags } = await this.input(MSET_FLAGS);
    await runMset(flags);
  }
}
