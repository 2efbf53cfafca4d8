import { Args, Help as OclifHelp } from '@oclif/core';
import { KvCommand } from '../../base.js';
import { unknownCommand } from '../../command-name.js';
import { oclifFlags } from '../../oclif-flags.js';

export class Help extends KvCommand {
  static override summary = 'explain a command';
  static override description = 'The same as COMMAND -h.';
  static override examples = ['<%= config.bin %> help', '<%= config.bin %> help cas set', '<%= config.bin %> help exit-codes'];
  static override args = { command: Args.string({ multiple: true, ignoreStdin: true, description: 'the command to explain' }) };
  static override flags = oclifFlags({});

  async run(): Promise<void> {
    const { args } = await this.input({});
    const id = args.join(':');
    if (id !== '' && this.config.findCommand(id) === undefined && this.config.findTopic(id) === undefined)
      throw unknownCommand(args.join(' '), this.config.commandIDs);
    await new OclifHelp(this.config).showHelp(id === '' ? [] : [id]);
  }
}
