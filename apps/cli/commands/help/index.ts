import { Args } from '@oclif/core';
import { KvCommand } from '../../oclif/base.js';
import { unknownCommand } from '../../parse/command-name.js';
import { oclifFlags } from '../../oclif/flags.js';

/** `git kv help COMMAND`, where there is no such command: one that there is, is explained before any command runs. */
export class Help extends KvCommand {
  static override summary = 'explain a command';
  static override description = 'The same as COMMAND -h.';
  static override examples = ['<%= config.bin %> help', '<%= config.bin %> help cas set', '<%= config.bin %> help exit-codes'];
  static override args = { command: Args.string({ multiple: true, ignoreStdin: true, description: 'the command to explain' }) };
  static override flags = oclifFlags({});

  async run(): Promise<void> {
    const { args } = await this.input({});
    throw unknownCommand(args.join(' '), this.config.commandIDs);
  }
}
