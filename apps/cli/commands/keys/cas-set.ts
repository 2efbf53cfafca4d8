import { Args } from '@oclif/core';
import { CAS_SET_FLAGS } from '../../parse/flags.js';
import { oclifFlags } from '../../oclif/flags.js';
import { prose } from '../../render/prose.js';
import { runCasSet } from '../../fast/set.js';
import { KvCommand } from '../../oclif/base.js';

/** `git kv cas set`: sets a key on conditions. */
export class CasSet extends KvCommand {
  static override inRealities = true;
  static override summary = 'set one key, if nothing has changed since it was read';
  static override description = prose(`As set, but wants at least one of --expect-blob (the key's value is still this
one; none: there is no such key) and --expect-tree (nothing in the whole namespace has changed). Exits with 2 when that is not so in the
Stargate's newest state. What others write to other keys meanwhile only makes it try again.`);
  static override examples = [
    '<%= config.bin %> cas set cfg:mode off --expect-blob 257cc5642cb1a054f08cc83f2d943e56fd3ebe99',
    '<%= config.bin %> cas set cfg:leader me --expect-blob none',
  ];
  static override args = {
    key: Args.string({ required: true, ignoreStdin: true, description: 'the key' }),
    value: Args.string({ ignoreStdin: true, description: 'the value, a file that holds it, or -' }),
  };
  static override flags = oclifFlags(CAS_SET_FLAGS);

  async run(): Promise<void> {
    const { flags, args } = await this.input(CAS_SET_FLAGS);
    await runCasSet(args, flags);
  }
}
