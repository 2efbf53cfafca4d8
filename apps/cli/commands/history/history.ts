import { Args } from '@oclif/core';
import { keyHistory } from '../../../../domain/client/history/history.js';
import type { SignatureVerifier } from '../../../../ports/index.js';
import type { Oid } from '../../../../ports/vocabulary.js';
import { keyArgument } from '../../parse/argument-bytes.js';
import { KvCommand } from '../../oclif/base.js';
import { type FlagTable, READ_FLAGS } from '../../parse/flags.js';
import { oclifFlags } from '../../oclif/flags.js';
import { prose } from '../../render/prose.js';
import { freshnessOf } from '../../parse/read-flags.js';
import { HISTORY_HEAD, historyDocument, historyLine } from '../../render/values/history.js';
import { note, print, printJson } from '../../io/terminal.js';
import { countFlag } from '../../parse/units.js';

const FLAGS = {
  limit: { type: 'string', summary: 'stop after this many', value: 'N' },
  epochs: { type: 'boolean', summary: 'go on into earlier epochs' },
  ...READ_FLAGS,
} as const satisfies FlagTable;

/** `git kv history`: the transactions that changed a key. */
export class History extends KvCommand {
  static override inRealities = true;
  static override summary = 'show the transactions that changed a key';
  static override description = prose(`Newest first: when (the writer's clock), what, how large, in which
transaction, who, the ledger commit, and the message if its writer gave one. Who is the key of the policy that signed the
transaction, verified here; (noted) stands behind a name that the Stargate noted, of a key that the policy has no more or that is not
known here, or of a transaction of a sequenced namespace whose intent this clone has not fetched; (claimed) behind the commit's author, who is whoever its writer says. --json gives everything in full, and says it
as "by" and "source" ("signature", "stargate" or "claim"). Without --epochs, only the current epoch.

In a long ledger, the first slow walk leaves a commit-graph with changed-path filters in the clone; later ones are fast.`);
  static override examples = [
    '<%= config.bin %> history cfg:mode',
    '<%= config.bin %> history cfg:mode --limit 1 --json',
    '<%= config.bin %> history cfg:mode --epochs',
  ];
  static override args = { key: Args.string({ required: true, ignoreStdin: true, description: 'the key' }) };
  static override flags = oclifFlags(FLAGS);

  async run(): Promise<void> {
    const { flags, args } = await this.input(FLAGS);
    const key = keyArgument(args[0] ?? '');
    const limit = flags.limit === undefined ? {} : { limit: countFlag('limit', flags.limit) };
    const freshness = freshnessOf(flags);
    await this.withClone(flags, async ({ clone, ns, composition }) => {
      const verifier = await composition.get<SignatureVerifier>('signature-verifier');
      let older: string | null = null;
      const onOlder = (epoch: string): void => {
        older = epoch;
        note(
          flags.epochs
            ? `the history goes on in epoch ${epoch}, which can't be had here`
            : `the history goes on in epoch ${epoch}: --epochs`,
        );
      };
      const onCut = (oldest: Oid): void =>
        note(`the history goes on before ${oldest.slice(0, 12)}, where this shallow clone ends: git fetch --unshallow`);
      const entries = keyHistory(clone, {
        ns,
        key,
        verifier,
        ...limit,
        ...freshness,
        epochs: flags.epochs === true,
        onOlder,
        onCut,
      });
      if (flags.json) {
        const documents: object[] = [];
        for await (const entry of entries) documents.push(historyDocument(entry));
        return printJson({ ok: true, ns, key, history: documents, older_epoch: older });
      }
      let head = true;
      for await (const entry of entries) {
        if (head) await print(`${HISTORY_HEAD}\n`);
        head = false;
        await print(`${historyLine(entry)}\n`);
      }
    });
  }
}
