import { beginNamespace } from '../../../domain/client/init.js';
import { POLICY_PATH } from '../../../domain/refs.js';
import { KvCommand } from '../base.js';
import type { FlagTable } from '../flags.js';
import { oclifFlags } from '../oclif-flags.js';
import { prose } from '../prose.js';
import { initText } from '../render/init.js';
import { writeScaffold } from '../scaffold.js';
import { hasSigningKey, ownPublicKey } from '../signing-key.js';
import { print, printJson } from '../terminal.js';
import { sshUrlFlag } from '../units.js';
import { workTree } from '../work-tree.js';
import { keyArgument } from '../argument-bytes.js';

const FLAGS = {
  prefix: { type: 'string', summary: 'a prefix that keys may have, for the policy scaffold', value: 'TEXT', multiple: true },
  'push-url': { type: 'string', summary: "the Stargate's URL, for the policy scaffold", value: 'URL' },
} as const satisfies FlagTable;

export class Init extends KvCommand {
  static override summary = 'begin a namespace in this clone, with a policy scaffold';
  static override description = prose(`Writes .kv/policy.yaml into the work tree, unless it is there or the
repository is bare, with your own SSH signing key as writer; and begins the namespace in this clone. Pushes nothing. Run
twice, it changes nothing.`);
  static override examples = [
    '<%= config.bin %> init',
    '<%= config.bin %> init --ns team --prefix cfg: --prefix user: --push-url ssh://git@stargate.local/org/repo.git',
  ];
  static override flags = oclifFlags(FLAGS);

  async run(): Promise<void> {
    const { flags } = await this.input(FLAGS);
    const pushUrl = flags['push-url'] ?? null;
    if (pushUrl !== null) sshUrlFlag('push-url', pushUrl);
    const prefixes = (flags.prefix ?? []).map(keyArgument);
    await this.withClone(flags, async ({ clone, ns }) => {
      const top = await workTree();
      const writer = await ownPublicKey(clone.config);
      const begun = await beginNamespace(clone, ns);
      const scaffold = top === null ? 'bare' : (await writeScaffold(top, { ns, prefixes, pushUrl, writer })) ? 'written' : 'kept';
      const outcome = { begun, scaffold, writer, signingKey: hasSigningKey(clone.config) } as const;
      if (!flags.json) return print(initText(outcome));
      const policy = scaffold === 'bare' ? null : POLICY_PATH;
      return printJson({ ok: true, ...begun, policy, policy_written: scaffold === 'written' });
    });
  }
}
