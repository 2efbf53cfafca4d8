import { Args } from '@oclif/core';
import { changesOf } from '../../../../domain/client/history/diff.js';
import { requireReality } from '../../../../domain/client/reality/about.js';
import { changedIn, differsFromNow } from '../../../../domain/client/reality/manage.js';
import { print, printJson } from '../../io/terminal.js';
import { KvCommand } from '../../oclif/base.js';
import { oclifFlags } from '../../oclif/flags.js';
import { type FlagTable, READ_FLAGS } from '../../parse/flags.js';
import { freshnessOf } from '../../parse/read-flags.js';
import { prose } from '../../render/prose.js';
import { changeLine } from '../../render/values/diff.js';

const FLAGS = {
  now: { type: 'boolean', summary: 'compare with the newest state instead of with what the reality began with' },
  ...READ_FLAGS,
} as const satisfies FlagTable;

/** `git kv reality diff`: what a reality changes. */
export class RealityDiff extends KvCommand {
  static override summary = 'show which keys a reality changes';
  static override description =
    prose(`One line a key, as git kv diff shows it: A added, M changed, D removed, R set again with the same
value; its size before and after; the key. Before is what the reality began with, or, with --now, what is true now.`);
  static override examples = ['<%= config.bin %> reality diff dark', '<%= config.bin %> reality diff dark --now --json'];
  static override args = { name: Args.string({ required: true, ignoreStdin: true, description: "the reality's name" }) };
  static override flags = oclifFlags(FLAGS);

  async run(): Promise<void> {
    const { flags, args } = await this.input(FLAGS);
    const [name = ''] = args;
    const freshness = freshnessOf(flags);
    await this.withClone(flags, async ({ clone, ns }) => {
      const start = await requireReality(clone, ns, name);
      const found = flags.now === true ? await differsFromNow(clone, start, freshness) : await changedIn(clone, start);
      const changes = await changesOf(clone, found);
      if (flags.json === true) {
        return printJson({ ok: true, ns, name, base: start.base, now: flags.now === true, changes });
      }
      return print(changes.map((change) => `${changeLine(change)}\n`).join(''));
    });
  }
}
