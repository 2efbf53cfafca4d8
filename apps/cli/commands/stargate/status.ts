import { STATUS } from '../../../../domain/admin/status.js';
import { askStargate } from '../../../../domain/admin/verb.js';
import { KvCommand } from '../../oclif/base.js';
import { oclifFlags } from '../../oclif/flags.js';
import { statusText } from '../../render/remote/status.js';
import { print, printJson } from '../../io/terminal.js';

/** `git kv stargate status`: what the Stargate says of itself. */
export class StargateStatus extends KvCommand {
  static override summary = 'show who leads, the namespaces, and how the mirror does';
  static override description = `Asks the Stargate over the same SSH connection as a push would use.`;
  static override examples = ['<%= config.bin %> stargate status', '<%= config.bin %> stargate status --json'];
  static override flags = oclifFlags({});

  async run(): Promise<void> {
    const { flags } = await this.input({});
    await this.withClone(flags, async ({ clone }) => {
      const status = await askStargate(clone.stargate, clone.remoteName, STATUS, {});
      if (flags.json) await printJson({ ok: true, status });
      else await print(statusText(status));
    });
  }
}
