import { KvCommand } from '../../oclif/base.js';
import { LIST_FLAGS } from '../../parse/flags.js';
import { runList } from '../../fast/list.js';
import { oclifFlags } from '../../oclif/flags.js';
import { prose } from '../../render/prose.js';

/** `git kv list` in any form that `fast/list` does not take. */
export class List extends KvCommand {
  static override inRealities = true;
  static override summary = 'list keys';
  static override description = prose(`Prints the keys as they are read from the prefix index, without reading
values (but for --values), in the order of their urlsafe form. Deleted keys are left out, and expired ones too, unless --allow-expired is
given. In a long listing, ! marks what has expired. With --at, lists what there was then, in
whichever epoch; what had expired is judged by that time too. --values gives lines as get --prefix does,
which names binary values at the end instead of showing them; with --json, it gives all. --json names the commit that is listed: give it to --at for the next page.`);
  static override examples = [
    '<%= config.bin %> list --prefix user:42:',
    '<%= config.bin %> list --long --limit 100',
    '<%= config.bin %> list --prefix cfg: --at 2027-01-31',
    '<%= config.bin %> list --limit 100 --after user:42:profile',
    '<%= config.bin %> list --prefix cfg: --values',
  ];
  static override flags = oclifFlags(LIST_FLAGS);

  async run(): Promise<void> {
    await runList((await this.input(LIST_FLAGS)).flags);
  }
}
