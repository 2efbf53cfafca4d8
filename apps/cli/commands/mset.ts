import { CHUNK_FLAGS, type FlagTable, WRITE_FLAGS } from '../parse/flags.js';
import { keepingTtls } from '../../../domain/client/write/prior-ttl.js';
import { readBatch } from '../parse/batch-file.js';
import { oclifFlags } from '../oclif/flags.js';
import { prose } from '../render/prose.js';
import { WriteCommand } from '../oclif/write-command.js';

const FLAGS = {
  file: {
    type: 'string',
    char: 'f',
    summary: 'the batch, one JSON object a line; - is standard input',
    value: 'FILE',
    required: true,
  },
  'keep-ttl': { type: 'boolean', summary: 'of lines without a ttl, keep the TTL that the key has' },
  ...CHUNK_FLAGS,
  ...WRITE_FLAGS,
} as const satisfies FlagTable;

/** `git kv mset`: a batch of operations in one transaction. */
export class Mset extends WriteCommand {
  static override summary = 'set and delete many keys in one transaction';
  static override description = prose(`A line sets or deletes one key:

  {"op":"set","key":"cfg:mode","value":"on"}
  {"op":"set","key":"user:1:avatar","file":"a.png","ctype":"image/png","ttl":"30d"}
  {"op":"set","key":"bin","value_b64":"AAEC"}
  {"op":"del","key":"cfg:old"}

A file's path is relative to the batch's folder, or to the current one for standard input. Every line is checked before
anything is written; blank lines are ignored. The last operation on a key wins, with a warning. Deleting what is not
there is a warning too.`);
  static override examples = ['<%= config.bin %> mset --file batch.jsonl', 'generate | <%= config.bin %> mset -f - --dry-run'];
  static override flags = oclifFlags(FLAGS);

  async run(): Promise<void> {
    const { flags } = await this.input(FLAGS);
    await this.writeAll(flags, async ({ clone }, progress) => {
      const operations = await readBatch(flags.file ?? '-', clone.clock.now(), progress);
      return flags['keep-ttl'] === true ? keepingTtls(operations) : operations;
    });
  }
}
