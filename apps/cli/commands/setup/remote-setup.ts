import { setUpRemote } from '../../../../domain/client/remote/setup.js';
import type { CloneConfigWriter } from '../../../../ports/clone/clone-config.js';
import { KvError } from '../../../../ports/error.js';
import { KvCommand } from '../../oclif/base.js';
import type { FlagTable } from '../../parse/flags.js';
import { oclifFlags } from '../../oclif/flags.js';
import { hintOf } from '../../hints/hint.js';
import { prose } from '../../render/prose.js';
import { publishedNames, setupDocument, setupText } from '../../render/remote/setup.js';
import { hasSigningKey } from '../../io/signing-key.js';
import { note, print, printJson } from '../../io/terminal.js';
import { fingerprintFlag, sshUrlFlag } from '../../parse/units.js';
import { workTreePolicy } from '../../io/work-tree.js';

const FLAGS = {
  fingerprint: { type: 'string', summary: "the Stargate's SSH host key: ssh is to know it by this one", value: 'SHA256:…' },
  url: { type: 'string', summary: "the Stargate's URL, instead of the policy's stargate.push_url", value: 'URL' },
} as const satisfies FlagTable;

/** `git kv remote setup`: points the remote's push URL at the Stargate. */
export class RemoteSetup extends KvCommand {
  static override summary = 'point writes at the Stargate';
  static override description = prose(`Finds stargate.push_url in the work tree's .kv/policy.yaml, else on the
remote's default branch, else in the policy that the Stargate publishes at the mirror. Sets the remote's pushurl and the
refspecs that bring namespaces along with git fetch; leaves its url alone. Then asks the Stargate for its status: when
it doesn't answer, the configuration stands and the exit code is 5.

With --fingerprint, the Stargate's host key is noted in the known_hosts file that ssh uses for it, if it is the key with that
fingerprint, in the place of all others that were known for its address; if it is not, nothing is configured. An admin has the fingerprint: git-kv-stargate host-key show.

The remote is origin, or what git config kv.remote says.`);
  static override examples = [
    '<%= config.bin %> remote setup',
    '<%= config.bin %> remote setup --fingerprint SHA256:UaMhU3zZ0kXtGjhq9OXw0d6FPvSWyFQMAzPBDq1xq2Y',
    '<%= config.bin %> remote setup --url ssh://git@stargate.local/org/repo.git',
  ];
  static override flags = oclifFlags(FLAGS);

  async run(): Promise<void> {
    const { flags } = await this.input(FLAGS);
    if (flags.url !== undefined) sshUrlFlag('url', flags.url);
    const pin = flags.fingerprint === undefined ? {} : { fingerprint: fingerprintFlag('fingerprint', flags.fingerprint) };
    await this.withClone(flags, async ({ clone, composition }) => {
      const writer = await composition.get<CloneConfigWriter>('clone-config-writer');
      const url = flags.url === undefined ? {} : { url: flags.url };
      const report = await setUpRemote(clone, {
        ...url,
        ...pin,
        workTreePolicy: flags.url === undefined ? await workTreePolicy() : null,
        writer,
      });
      if (!flags.json) await print(setupText(report));
      if (!hasSigningKey(clone.config))
        note('hint: no signing key is configured: git config gpg.format ssh && git config user.signingKey ~/.ssh/id_ed25519.pub');
      const { stargate } = report;
      const names = publishedNames(report);
      if (!stargate.reached) {
        const { code, message } = stargate.error;
        const hint = hintOf(stargate.error);
        throw new KvError(code, message, {
          cause: stargate.error,
          hint: `${hint === undefined ? '' : `${hint}; `}${names}all else is configured, so then try: git kv stargate status`,
          details: setupDocument(report) as Record<string, unknown>,
        });
      }
      if (flags.json) await printJson(setupDocument(report));
    });
  }
}
