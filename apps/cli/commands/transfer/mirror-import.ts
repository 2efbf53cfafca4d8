import { Args } from '@oclif/core';
import { importMirror } from '../../../../domain/client/transfer/mirror-import/mirror-import.js';
import type { BundleReader } from '../../../../ports/git/bundle-reader.js';
import type { SignatureVerifier } from '../../../../ports/clone/signer.js';
import { fingerprintsIn } from '../../io/key-file.js';
import { openLinks } from '../../io/link-stream.js';
import { print, printJson, Progress } from '../../io/terminal.js';
import { KvCommand } from '../../oclif/base.js';
import { oclifFlags } from '../../oclif/flags.js';
import type { FlagTable } from '../../parse/flags.js';
import { fingerprintFlag } from '../../parse/units.js';
import { mirrorImportDocument, mirrorImportText } from '../../render/remote/mirror-import.js';
import { prose } from '../../render/prose.js';

const FLAGS = {
  fingerprint: {
    type: 'string',
    summary: "a key that signs the Stargate's links: its SSH host key, the first time; may be given again",
    value: 'SHA256:…',
    multiple: true,
  },
  keys: { type: 'string', summary: 'a file of such keys: .pub lines, or allowed_signers', value: 'FILE' },
  'new-chain': {
    type: 'boolean',
    summary: 'the Stargate has begun another chain: take it if it takes nothing back that this clone has',
  },
} as const satisfies FlagTable;

/** `git kv mirror import`: applies the links that a Stargate's mirror-bundle has written, without a network. */
export class MirrorImport extends KvCommand {
  static override summary = "apply a mirror's bundles that were carried here, without a network";
  static override description =
    prose(`Reads the links (a signed manifest, and a bundle) that a Stargate's mirror-bundle has written into DIR, and applies
those that this clone has not yet, in their order. Each is checked before it counts: its signature, that it is of this clone's repository and chain and goes
on from the link before, and the bundle's size, digest and objects; then all of its refs move at once. What was applied stays when a later link is
missing or wrong, and running the command again goes on there.

In a clone, the refs become what a fetch from the mirror would have left: read them with git kv get --offline. In a bare repository they keep
their names, so that others can clone from it.

DIR may be a file, or - for standard input, with what the Stargate's command got: one link after the other.

The first import has to be told whose links these are: --fingerprint takes what git-kv-stargate host-key show prints on the Stargate, --keys a file with the
public key. After that, the host keys count that the imported policy names, the next ones of a rotation among them.`);
  static override examples = [
    '<%= config.bin %> mirror import /media/stick/kv --fingerprint SHA256:UaMhU3zZ0kXtGjhq9OXw0d6FPvSWyFQMAzPBDq1xq2Y',
    '<%= config.bin %> mirror import /media/stick/kv',
  ];
  static override args = {
    dir: Args.string({
      required: true,
      ignoreStdin: true,
      description: 'the folder that was carried here; or a file of links, or -',
    }),
  };
  static override flags = oclifFlags(FLAGS);

  async run(): Promise<void> {
    const { flags, args } = await this.input(FLAGS);
    const { json = false } = flags;
    const named = (flags.fingerprint ?? []).map((text) => fingerprintFlag('fingerprint', text));
    const progress = new Progress(process.stderr.isTTY === true && !json);
    const links = await openLinks(args[0] as string);
    try {
      await this.interruptible(flags, async ({ clone, composition }, signal) => {
        const listed = flags.keys === undefined ? [] : await fingerprintsIn(flags.keys, clone.hasher);
        const report = await importMirror(clone, {
          from: links.from,
          bundles: await composition.get<BundleReader>('bundle-reader'),
          verifier: await composition.get<SignatureVerifier>('signature-verifier'),
          trusted: [...named, ...listed],
          newChain: flags['new-chain'] === true,
          signal,
          onProgress: (seq, last) => progress.phase(`importing link ${seq} of ${last}`),
        });
        progress.done();
        if (json) await printJson(mirrorImportDocument(report));
        else await print(mirrorImportText(report));
      });
    } finally {
      progress.done();
      await links.close();
    }
  }
}
