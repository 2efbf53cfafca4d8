import { Args } from '@oclif/core';
import { isUlid } from '../../../../domain/ledger/ulid.js';
import { isCommitPrefix, isTransactionSuffix, momentAt } from '../../../../domain/client/past/at.js';
import { writersFreshness } from '../../../../domain/client/history/put-back.js';
import { planRevert } from '../../../../domain/client/history/revert.js';
import { PUT_BACK_FLAGS } from '../../parse/flags.js';
import { oclifFlags } from '../../oclif/flags.js';
import { prose } from '../../render/prose.js';
import { KvCommand } from '../../oclif/base.js';
import { runWrite } from '../../fast/write.js';

/** `git kv revert`: undoes one transaction. */
export class Revert extends KvCommand {
  static override inRealities = true;
  static override summary = 'undo a transaction with a new one';
  static override description = prose(`Puts each key that the transaction set or deleted back to what it was before,
in one new signed transaction. When any of them has changed since, all those are named, nothing is written, and the exit code
is 2. Content types are kept; so are TTLs that have not passed, and else the policy's default holds.`);
  static override examples = [
    '<%= config.bin %> revert 01K8ZVM3M0QJ3T0S6V9Q3D5N7R --dry-run',
    '<%= config.bin %> revert 01K8ZVM3M0QJ3T0S6V9Q3D5N7R --message "dark mode was too early"',
  ];
  static override args = {
    txn: Args.string({
      required: true,
      ignoreStdin: true,
      description: "the transaction's id (KV-Txn), or its last 8 characters or more; or its ledger commit, or its first digits",
    }),
  };
  static override flags = oclifFlags(PUT_BACK_FLAGS);

  async run(): Promise<void> {
    const { flags, args } = await this.input(PUT_BACK_FLAGS);
    await runWrite(flags, async ({ clone, ns }, progress) => {
      progress.phase('looking for the transaction');
      const [given = ''] = args;
      if (isUlid(given) || !(isTransactionSuffix(given) || isCommitPrefix(given, clone.store.objectFormat)))
        return planRevert(clone, ns, given);
      const { ledger } = await momentAt(clone, ns, given, await writersFreshness(clone));
      return planRevert(clone, ns, ledger.trailers.txn);
    });
  }
}
