import { compactEpochs } from '../../../../domain/client/epochs/compact-epochs.js';
import { KvCommand } from '../../oclif/base.js';
import type { FlagTable } from '../../parse/flags.js';
import { oclifFlags } from '../../oclif/flags.js';
import { prose } from '../../render/prose.js';
import { compactText } from '../../render/remote/compact.js';
import { print, printJson } from '../../io/terminal.js';

const FLAGS = {
  epoch: { type: 'string', summary: 'exactly this archived epoch, whatever the policy keeps', value: 'LABEL' },
  'dry-run': { type: 'boolean', char: 'n', summary: 'say what would go and how much that frees, but change nothing' },
} as const satisfies FlagTable;

/** `git kv compact`: asks the Stargate to drop archived epochs. */
export class Compact extends KvCommand {
  static override summary = 'drop archived epochs, keeping each as a bundle (admins only)';
  static override description = prose(`Drops the epochs that are more than the policy's retention.keep_epochs, oldest first, or
the one named. Each is first written to a git bundle on the Stargate (.stargate/archives/NS@EPOCH.bundle), which is read back into
an empty repository before anything goes; then its archive, chunks and watchlog refs are deleted on the Stargate and at the mirror,
and the space is freed. The current epoch is never touched.

To bring an epoch back into a clone: git fetch FILE.bundle 'refs/*:refs/*'`);
  static override examples = ['<%= config.bin %> compact --dry-run', '<%= config.bin %> compact --epoch 2026Q1'];
  static override flags = oclifFlags(FLAGS);

  async run(): Promise<void> {
    const { flags } = await this.input(FLAGS);
    await this.withClone(flags, async ({ clone, ns }) => {
      const args = { ns, label: flags.epoch, dryRun: flags['dry-run'] === true };
      const report = await compactEpochs(clone, args);
      if (flags.json === true) return printJson({ ok: true, ...report });
      return print(compactText(report));
    });
  }
}
