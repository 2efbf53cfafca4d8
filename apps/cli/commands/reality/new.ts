import { Args } from '@oclif/core';
import { beginReality } from '../../../../domain/client/reality/manage.js';
import { print, printJson } from '../../io/terminal.js';
import { KvCommand } from '../../oclif/base.js';
import { oclifFlags } from '../../oclif/flags.js';
import { READ_FLAGS } from '../../parse/flags.js';
import { freshnessOf } from '../../parse/read-flags.js';
import { prose } from '../../render/prose.js';

/** `git kv reality new`: begins a reality. */
export class RealityNew extends KvCommand {
  static override summary = 'begin a reality, in which changes are tried before they are true';
  static override description =
    prose(`A reality is an overlay of a namespace in this clone, on the newest state that is read now. With
--reality NAME, get, list, history, set, del, mset and the like are of it alone: nothing is fetched, nothing is pushed, nothing is
signed. It takes as much room as what is changed in it; there may be many at once. promote makes it true, in one signed transaction.`);
  static override examples = [
    '<%= config.bin %> reality new dark',
    '<%= config.bin %> --reality dark set ui:theme dark',
    '<%= config.bin %> reality promote dark --message "the dark theme"',
  ];
  static override args = { name: Args.string({ required: true, ignoreStdin: true, description: "the reality's name" }) };
  static override flags = oclifFlags(READ_FLAGS);

  async run(): Promise<void> {
    const { flags, args } = await this.input(READ_FLAGS);
    const [name = ''] = args;
    const freshness = freshnessOf(flags);
    await this.withClone(flags, async ({ clone, ns }) => {
      const { base, made } = await beginReality(clone, ns, name, freshness);
      if (flags.json === true) return printJson({ ok: true, ns, name, base, made });
      return print(`began reality ${name} of ${ns}, on ${base ?? 'nothing: the namespace has no ledger yet'}\n`);
    });
  }
}
