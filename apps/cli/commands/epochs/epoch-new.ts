import { newEpoch } from '../../../../domain/client/epochs/new-epoch.js';
import { KvCommand } from '../../oclif/base.js';
import type { FlagTable } from '../../parse/flags.js';
import { oclifFlags } from '../../oclif/flags.js';
import { prose } from '../../render/prose.js';
import { print, printJson, Progress } from '../../io/terminal.js';

const FLAGS = {
  label: { type: 'string', summary: "the new epoch's label, such as 2026Q4", value: 'LABEL', required: true },
} as const satisfies FlagTable;

/** `git kv epoch new`: begins an epoch, as an admin. */
export class EpochNew extends KvCommand {
  static override summary = 'begin a new epoch (admins only)';
  static override description = prose(`The ledger and the index begin again, with the same data, from commits without
parents, so that a fresh clone fetches the live state and none of the history. The old tips are kept in
refs/kv-archive, and history --epochs goes on across them. Signed by an admin, it lands as one atomic push.`);
  static override examples = ['<%= config.bin %> epoch new --label 2027Q1'];
  static override flags = oclifFlags(FLAGS);

  async run(): Promise<void> {
    const { flags } = await this.input(FLAGS);
    await this.withClone(flags, async ({ clone, ns }) => {
      const progress = new Progress(process.stderr.isTTY === true && flags.json !== true);
      progress.phase(`beginning epoch ${flags.label}`);
      const { parentEpoch, parentLedger, ...made } = await newEpoch(clone, ns, flags.label ?? '').finally(() => progress.done());
      const parent = { parent_epoch: parentEpoch, parent_ledger: parentLedger };
      if (flags.json === true) return printJson({ ok: true, ...made, ...parent });
      return print(
        `began epoch ${made.epoch} of ${ns}, after ${parentEpoch}\ncommit  ${made.commit}\ntxn     ${made.txn}\narchive refs/kv-archive/${ns}@${parentEpoch}\n`,
      );
    });
  }
}
