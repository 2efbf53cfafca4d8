import { listRealities } from '../../../../domain/client/reality/manage.js';
import { print, printJson } from '../../io/terminal.js';
import { KvCommand } from '../../oclif/base.js';
import { oclifFlags } from '../../oclif/flags.js';
import { realityLine } from '../../render/values/reality.js';

/** `git kv reality list`: the realities that there are. */
export class RealityList extends KvCommand {
  static override summary = 'show the realities of the namespace in this clone';
  static override description =
    'One line a reality: its name, how many keys differ from what it began with, when it began and on which ledger commit, and whether the namespace has gone on since, as far as this clone knows. Nothing is fetched.';
  static override examples = ['<%= config.bin %> reality list'];
  static override flags = oclifFlags({});

  async run(): Promise<void> {
    const { flags } = await this.input({});
    await this.withClone(flags, async ({ clone, ns }) => {
      const realities = await listRealities(clone, ns);
      if (flags.json === true) {
        const shown = realities.map(({ name, base, made, changed, behind }) => ({ name, base, made, changed, behind }));
        return printJson({ ok: true, ns, realities: shown });
      }
      const width = Math.max(0, ...realities.map(({ name }) => name.length));
      return print(realities.map((one) => `${realityLine(one, width)}\n`).join(''));
    });
  }
}
