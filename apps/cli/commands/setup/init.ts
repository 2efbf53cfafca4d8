import type { Clone } from '../../../../domain/client/clone/clone.js';
import { beginNamespace } from '../../../../domain/client/epochs/begin-namespace.js';
import { unlistedNamespace } from '../../../../domain/client/clone/policy/absent-namespace.js';
import { knownPolicy, publishedPolicyText } from '../../../../domain/client/clone/policy/known-policy.js';
import { POLICY_PATH } from '../../../../domain/ledger/refs.js';
import { KvCommand } from '../../oclif/base.js';
import type { FlagTable } from '../../parse/flags.js';
import { oclifFlags } from '../../oclif/flags.js';
import { prose } from '../../render/prose.js';
import { type InitOutcome, initText } from '../../render/remote/init.js';
import { type ScaffoldRequest, writeScaffold } from '../../io/scaffold.js';
import { hasSigningKey } from '../../io/signing-key.js';
import { print, printJson, warn } from '../../io/terminal.js';
import { sshUrlFlag } from '../../parse/units.js';
import { workTree, workTreePolicy } from '../../io/work-tree.js';
import { quoted } from '../../parse/value-argument.js';
import { keyArgument } from '../../parse/argument-bytes.js';

const FLAGS = {
  prefix: { type: 'string', summary: 'a prefix that keys may have, for the policy scaffold', value: 'PREFIX', multiple: true },
  'push-url': { type: 'string', summary: "the Stargate's URL, for the policy scaffold", value: 'URL' },
} as const satisfies FlagTable;

const WHY_NONE = {
  kept: `${POLICY_PATH} is there`,
  published: 'the mirror publishes a policy already',
  bare: 'this repository has no work tree',
} as const;

/** `git kv init`: begins a namespace in this clone, and writes a policy to begin with. */
export class Init extends KvCommand {
  static override summary = 'begin a namespace in this clone, with a policy scaffold';
  static override description = prose(`Writes .kv/policy.yaml into the work tree, unless it is there, the
mirror publishes a policy already, or the repository is bare, with your own SSH signing key as writer; and begins the namespace in this clone.
Pushes nothing. Run twice, it changes nothing.`);
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
      const writer = (await (await clone.forWriting()).signer.publicKey?.()) ?? null;
      const begun = await beginNamespace(clone, ns);
      const scaffold = await scaffoldFor(clone, { ns, prefixes, pushUrl, writer });
      for (const flag of ['prefix', 'push-url'] as const)
        if (flags[flag] !== undefined && scaffold !== 'written') warn(`--${flag} has no effect: ${WHY_NONE[scaffold]}`);
      const policyOf = (await knownPolicy(clone))?.namespaces.get(ns);
      const unlisted = await unlistedNamespace(clone, ns);
      if (unlisted !== null)
        warn(`the policy as last fetched has no namespace ${ns}, so its first write will be refused: ${unlisted}`);
      const key = quoted(`${policyOf?.allowedPrefixes[0] ?? prefixes[0] ?? 'cfg:'}hello`);
      const isSetUp = clone.config.get(`remote.${clone.remoteName}.pushurl`) !== undefined;
      const outcome = { begun, key, scaffold, writer, signingKey: hasSigningKey(clone.config), isSetUp } as const;
      if (!flags.json) return print(initText(outcome));
      const policy = scaffold === 'bare' || scaffold === 'published' ? null : POLICY_PATH;
      return printJson({ ok: true, ...begun, policy, policy_written: scaffold === 'written' });
    });
  }
}

async function scaffoldFor(clone: Clone, request: ScaffoldRequest): Promise<InitOutcome['scaffold']> {
  const top = await workTree();
  if (top === null) return 'bare';
  if ((await workTreePolicy()) === null && (await publishedPolicyText(clone)) !== null) return 'published';
  return (await writeScaffold(top, request)) ? 'written' : 'kept';
}
