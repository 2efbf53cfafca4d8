import { blame, type Blame as BlamedKey } from '../../../../domain/client/history/blame.js';
import type { SignatureVerifier } from '../../../../ports/index.js';
import { keyArgument } from '../../parse/argument-bytes.js';
import { KvCommand } from '../../oclif/base.js';
import { AT_FLAG, type FlagTable, READ_FLAGS } from '../../parse/flags.js';
import { oclifFlags } from '../../oclif/flags.js';
import { attribution } from '../../render/values/attribution.js';
import { prose } from '../../render/prose.js';
import { freshnessOf } from '../../parse/read-flags.js';
import { formatTimeShort } from '../../render/units.js';
import { print, printJson } from '../../io/terminal.js';
import { printable } from '../../../../ports/grammar/printable.js';

const FLAGS = {
  prefix: { type: 'string', summary: 'only keys that start with this', value: 'PREFIX' },
  commits: { type: 'boolean', summary: 'also the ledger commits, of earlier epochs too' },
  claims: { type: 'boolean', summary: 'look at no signature: who it was by the word of the writers' },
  ...AT_FLAG,
  ...READ_FLAGS,
} as const satisfies FlagTable;

const AUTHOR_WIDTH = 30;

/** `git kv blame`: who last changed each key. */
export class Blame extends KvCommand {
  static override inRealities = true;
  static override summary = 'show who last changed each key';
  static override description = prose(`One line a live key: when (the writer's clock), in which transaction, who, and
the key, in the order of list. Who is the key of the policy that signed the transaction, verified here; (noted) stands behind
a name that the Stargate noted for a transaction of a sequenced namespace whose intent this clone has not fetched;
(claimed) behind what is the writer's own word: no key of the policy signed it, or the transaction is of an epoch that is not here, which
--commits fetches. With --commits, the ledger commit stands before the key; - where its epoch was compacted
away. --json says it as "by" and "source" ("signature", "stargate" or "claim"); "author" is what the metadata says. To find who signed, the history
is walked back as far as the keys go; --claims doesn't. history KEY tells of all that came before, and of deletions.`);
  static override examples = ['<%= config.bin %> blame --prefix cfg:', '<%= config.bin %> blame --prefix cfg: --commits --json'];
  static override flags = oclifFlags(FLAGS);

  async run(): Promise<void> {
    const { flags } = await this.input(FLAGS);
    const { prefix = '', commits = false, claims = false, at } = flags;
    if (prefix !== '') keyArgument(prefix);
    const freshness = freshnessOf(flags);
    await this.withClone(flags, async ({ clone, ns, composition }) => {
      const verifier = claims ? undefined : await composition.get<SignatureVerifier>('signature-verifier');
      const keys = blame(clone, { ns, prefix, commits, verifier, ...(at === undefined ? {} : { at }), ...freshness });
      const documents: BlamedKey[] = [];
      let head = `${row('time', 'txn', 'by', commits ? 'commit' : undefined, 'key')}\n`;
      for await (const one of keys) {
        if (flags.json) documents.push(one);
        else await print(`${head}${line(one)}\n`);
        head = '';
      }
      if (flags.json) await printJson({ ok: true, ns, keys: documents });
    });
  }
}

function line({ key, time, txn, commit, by, source }: BlamedKey): string {
  return row(
    formatTimeShort(time),
    printable(txn),
    attribution({ by, source }),
    commit === undefined ? undefined : (commit ?? '-').slice(0, 10),
    key,
  );
}

function row(time: string, txn: string, by: string, commit: string | undefined, key: string): string {
  const cells = [time.padEnd(20), txn.padEnd(26), by.padEnd(AUTHOR_WIDTH)];
  if (commit !== undefined) cells.push(commit.padEnd(10));
  return [...cells, key].join('  ');
}
