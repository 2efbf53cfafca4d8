import { SYNC, type SyncMode, type SyncReport } from '../../../../domain/admin/sync.js';
import { askStargate } from '../../../../domain/admin/verb.js';
import { KvError } from '../../../../ports/error.js';
import { print, printJson } from '../../io/terminal.js';
import { KvCommand } from '../../oclif/base.js';
import { oclifFlags } from '../../oclif/flags.js';
import type { FlagTable, FlagValues } from '../../parse/flags.js';
import { prose } from '../../render/prose.js';
import { syncText } from '../../render/remote/sync.js';

const FLAGS = {
  repair: { type: 'boolean', summary: 'push what the mirror lacks or has as it was before' },
  adopt: { type: 'boolean', summary: 'take over what the mirror has beyond the Stargate, once it is verified' },
  force: { type: 'boolean', summary: 'also overwrite what has gone apart, with a lease; the old tips are kept in a bundle' },
  hard: { type: 'boolean', summary: 'as --force, and delete what only the mirror has' },
  'dry-run': { type: 'boolean', char: 'n', summary: 'say what would be done, but change nothing' },
} as const satisfies FlagTable;

/** `git kv stargate sync`: compares Stargate and mirror, and brings them together. */
export class StargateSync extends KvCommand {
  static override summary = 'compare Stargate and mirror, and bring them together';
  static override description =
    prose(`Without a flag it changes nothing: it lists the refs (those of the namespaces, branches, tags,
policy) that are not the same on both sides. It exits with 11 when something is left that somebody has to decide, and names both tips.

--repair brings the mirror along where that loses nothing. --adopt is for a Stargate that was restored from an older backup: what the
mirror has beyond is verified (signatures by the policy, attestation, index, watchlog) and taken over. Where the two have gone apart,
one has to give way: --force lets the Stargate win, and keeps what the mirror had in a bundle on the Stargate. With --ns, only that
namespace is looked at. docs/OPERATIONS.md tells when to use which.`);
  static override examples = [
    '<%= config.bin %> stargate sync',
    '<%= config.bin %> stargate sync --repair --ns main',
    '<%= config.bin %> stargate sync --adopt --dry-run',
  ];
  static override flags = oclifFlags(FLAGS);

  async run(): Promise<void> {
    const { flags } = await this.input(FLAGS);
    const mode = modeOf(flags);
    await this.withClone(flags, async ({ clone }) => {
      const args = { ns: flags.ns, mode, dryRun: flags['dry-run'] === true };
      const report = await askStargate(clone.stargate, clone.remoteName, SYNC, args);
      if (flags.json !== true) await print(syncText(report));
      if (report.left.length > 0) throw undecided(report);
      if (flags.json === true) await printJson({ ok: true, ...report });
    });
  }
}

function modeOf(flags: FlagValues<typeof FLAGS>): SyncMode {
  const given = (['repair', 'adopt', 'force', 'hard'] as const).filter((name) => flags[name] === true);
  const [mode, other] = given;
  if (mode === undefined) return 'audit';
  if (other === undefined) return mode;
  throw new KvError('USAGE', `--${mode} and --${other} do different things`, { hint: 'give one of them' });
}

/** What `sync` ends with when it has left something: the report goes along for programs. */
function undecided(report: SyncReport): KvError {
  const ahead = report.namespaces.some(({ fault }) => fault === null) && report.mode !== 'adopt';
  return new KvError('SYNC_REFUSED', `the Stargate and ${report.mirror} differ: ${report.left.join('; ')}`, {
    hint: ahead
      ? 'take over what the mirror has beyond: git kv stargate sync --adopt'
      : 'docs/OPERATIONS.md, "The mirror differs", tells how to keep both sides, and to let one win: git kv stargate sync --force',
    details: { ...report },
  });
}
