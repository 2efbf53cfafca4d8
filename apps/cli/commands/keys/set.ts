import { Args } from '@oclif/core';
import { SET_FLAGS } from '../../parse/flags.js';
import { oclifFlags } from '../../oclif/flags.js';
import { prose } from '../../render/prose.js';
import { runSet } from '../../fast/set.js';
import { KvCommand } from '../../oclif/base.js';

/** `git kv set`: sets one key. */
export class SetKey extends KvCommand {
  static override inRealities = true;
  static override summary = 'set one key';
  static override description = prose(`VALUE is - for standard input, the name of a regular file for that file's
content, and otherwise the value itself; standard error says which was taken. What looks like a path (./x, dir/x, /x) and is no file
is refused. --file and --value leave no doubt, and scripts should use them; git config kv.setFiles never makes every VALUE text.

The content type is --ctype, else a file's by its extension, else application/json for text that is a JSON object or
array, else text/plain; what comes on standard input and is no text is application/octet-stream. With --ctype application/json
(or a type that ends in +json), the value must parse.

Setting a key keeps nothing of what it was: a --ctype has to be given again, and a --ttl too, or --keep-ttl. A TTL that is lost
without a word is warned of.`);
  static override examples = [
    '<%= config.bin %> set cfg:mode on',
    '<%= config.bin %> set user:42:avatar avatar.png --ttl 30d',
    'date | <%= config.bin %> set cfg:built -',
    '<%= config.bin %> set cfg:lock me --expect-blob none',
  ];
  static override args = {
    key: Args.string({ required: true, ignoreStdin: true, description: 'the key' }),
    value: Args.string({ ignoreStdin: true, description: 'the value, a file that holds it, or -' }),
  };
  static override flags = oclifFlags(SET_FLAGS);

  async run(): Promise<void> {
    const { flags, args } = await this.input(SET_FLAGS);
    await runSet(args, flags);
  }
}
