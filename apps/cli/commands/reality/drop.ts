import { Args } from '@oclif/core';
import { dropReality } from '../../../../domain/client/reality/manage.js';
import { print, printJson } from '../../io/terminal.js';
import { KvCommand } from '../../oclif/base.js';
import { oclifFlags } from '../../oclif/flags.js';

/** `git kv reality drop`: takes a reality away. */
export class RealityDrop extends KvCommand {
  static override summary = 'take a reality away, with what was tried in it';
  static override description = "What was tried is gone; git's next clean-up frees its room. What is true stays as it is.";
  static override examples = ['<%= config.bin %> reality drop dark'];
  static override args = { name: Args.string({ required: true, ignoreStdin: true, description: "the reality's name" }) };
  static override flags = oclifFlags({});

  async run(): Promise<void> {
    const { flags, args } = await this.input({});
    const [name = ''] = args;
    await this.withClone(flags, async ({ clone, ns }) => {
      await dropReality(clone, ns, name);
      return flags.json === true ? printJson({ ok: true, ns, name }) : print(`dropped reality ${name} of ${ns}\n`);
    });
  }
}
