import { Args } from '@oclif/core';
import { diffStates } from '../../../../domain/client/history/diff.js';
import { keyArgument } from '../../parse/argument-bytes.js';
import { KvCommand } from '../../oclif/base.js';
import { type FlagTable, READ_FLAGS } from '../../parse/flags.js';
import { oclifFlags } from '../../oclif/flags.js';
import { prose } from '../../render/prose.js';
import { freshnessOf } from '../../parse/read-flags.js';
import { changeLine, diffDocument } from '../../render/values/diff.js';
import { print, printJson } from '../../io/terminal.js';

const FLAGS = {
  prefix: { type: 'string', summary: 'only keys that start with this', value: 'PREFIX' },
  ...READ_FLAGS,
} as const satisfies FlagTable;

/** `git kv diff`: which keys differ between two states. */
export class Diff extends KvCommand {
  static override inRealities = true;
  static override summary = 'show which keys differ between two states';
  static override description = prose(`Each state is a ledger commit (or its first digits), a time (ISO 8601, or "2h ago"), or a
transaction (or its last 8 characters or more), in any epoch; the second is the newest state unless given. One line a
key: A added, M changed, D removed, R set again with the same value; its size before and after; the key. --json gives the blobs too. An expired key counts as
there until it is deleted.`);
  static override examples = [
    '<%= config.bin %> diff 2027-01-31',
    '<%= config.bin %> diff 4f0c2a91 8d13be07 --prefix cfg: --json',
  ];
  static override args = {
    from: Args.string({ required: true, ignoreStdin: true, description: 'the state before' }),
    to: Args.string({ ignoreStdin: true, description: 'the state after (default: now)' }),
  };
  static override flags = oclifFlags(FLAGS);

  async run(): Promise<void> {
    const { flags, args } = await this.input(FLAGS);
    const [from = '', to] = args;
    const { prefix = '' } = flags;
    if (prefix !== '') keyArgument(prefix);
    const freshness = freshnessOf(flags);
    await this.withClone(flags, async ({ clone, ns }) => {
      const diff = await diffStates(clone, { ns, from, prefix, ...(to === undefined ? {} : { to }), ...freshness });
      if (flags.json) return printJson(diffDocument(ns, diff));
      return print(diff.changes.map((change) => `${changeLine(change)}\n`).join(''));
    });
  }
}
