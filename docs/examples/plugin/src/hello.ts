import { Args, Command, Flags } from 'git-kv/command';

/** `git kv hello [WHO] [--loud]`: an oclif command. */
export class command extends Command {
  static summary = 'say hello';
  static args = { who: Args.string({ default: 'world', description: 'whom to greet' }) };
  static flags = { loud: Flags.boolean({ description: 'in capitals' }) };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(command);
    if (args.who === 'nobody') this.error('there is nobody', { exit: 6 });
    const text = `hello ${args.who}`;
    this.log(flags.loud ? text.toUpperCase() : text);
  }
}
