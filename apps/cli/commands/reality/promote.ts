import { Args } from '@oclif/core';
import { dropReality } from '../../../../domain/client/reality/manage.js';
import { planPromotion } from '../../../../domain/client/reality/promote.js';
import { runWrite } from '../../fast/write.js';
import { note } from '../../io/terminal.js';
import { KvCommand } from '../../oclif/base.js';
import { oclifFlags } from '../../oclif/flags.js';
import { type FlagTable, PUT_BACK_FLAGS } from '../../parse/flags.js';
import { prose } from '../../render/prose.js';

const FLAGS = {
  keep: { type: 'boolean', summary: 'keep the reality; else it is dropped once it is true' },
  ...PUT_BACK_FLAGS,
} as const satisfies FlagTable;

/** `git kv reality promote`: makes a reality true. */
export class RealityPromote extends KvCommand {
  static override summary = 'make a reality true, in one signed transaction';
  static override description =
    prose(`Writes what the reality changes, in one signed transaction on the newest state. When others have changed
any of its keys since it began, all those are named, nothing is written, and the exit code is 2. What is already as the reality
has it is left out. Afterwards the reality is dropped.`);
  static override examples = [
    '<%= config.bin %> reality promote dark --dry-run',
    '<%= config.bin %> reality promote dark --message "the dark theme"',
  ];
  static override args = { name: Args.string({ required: true, ignoreStdin: true, description: "the reality's name" }) };
  static override flags = oclifFlags(FLAGS);

  async run(): Promise<void> {
    const { flags, args } = await this.input(FLAGS);
    const [name = ''] = args;
    await runWrite(
      flags,
      async ({ clone, ns }, progress) => {
        progress.phase('comparing with the newest state');
        return planPromotion(clone, ns, name);
      },
      {},
      async ({ clone, ns }) => {
        if (flags['dry-run'] === true || flags.keep === true) return;
        await dropReality(clone, ns, name);
        if (flags.json !== true) note(`reality ${name} is true, and dropped`);
      },
    );
  }
}
