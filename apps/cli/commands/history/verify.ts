import { verifyClone } from '../../../../domain/client/verify/verify.js';
import { KvError } from '../../../../ports/error.js';
import type { SignatureVerifier } from '../../../../ports/clone/signer.js';
import { KvCommand } from '../../oclif/base.js';
import type { FlagTable } from '../../parse/flags.js';
import { oclifFlags } from '../../oclif/flags.js';
import { prose } from '../../render/prose.js';
import { faultLine, noteText, reportDocument, reportText } from '../../render/verify.js';
import { formatCount } from '../../render/units.js';
import { note, print, printJson, Progress } from '../../io/terminal.js';

const FLAGS = {
  full: { type: 'boolean', summary: 'every epoch that is here, every transaction, every value and chunk' },
} as const satisfies FlagTable;

/** `git kv verify`: checks what this clone has of a namespace. */
export class Verify extends KvCommand {
  static override summary = 'check what this clone has of a namespace';
  static override description = prose(`Fetches nothing. Checks the refs, the chain of transactions of the current epoch with its
trailers and signatures, and the last state: that each key has its value, its metadata and its pointer in the index, and each large
value its chunks; then the watchlog and the watermark, where they are here. --full goes through every transaction of every epoch that
is here, and reads every value and every chunk. Objects are hashed again as they are read.

Every fault is named, one a line; with any, the exit code is 8. Notes say what could not be checked here, and what is no fault: a
signer who isn't a writer any more, for example.`);
  static override examples = ['<%= config.bin %> verify', '<%= config.bin %> verify --full --json'];
  static override flags = oclifFlags(FLAGS);

  async run(): Promise<void> {
    const { flags } = await this.input(FLAGS);
    const { full = false, json = false } = flags;
    const progress = new Progress(process.stderr.isTTY === true && !json);
    await this.interruptible(flags, async ({ clone, ns, composition }) => {
      const verifier = await composition.get<SignatureVerifier>('signature-verifier');
      try {
        const report = await verifyClone(clone, verifier, {
          ns,
          full,
          onProgress: (what) => progress.phase(`verifying ${what}`),
        });
        progress.done();
        const { faults } = report;
        if (json && faults.length === 0) return await printJson({ ok: true, ...reportDocument(report) });
        if (!json) for (const fault of faults) await print(`${faultLine(fault)}\n`);
        if (!json) for (const each of report.notes) note(`note: ${noteText(each)}`);
        if (!json) await print(reportText(report));
        if (faults.length === 0) return;
        throw new KvError(
          'ATTESTATION_MISMATCH',
          `namespace ${ns}: ${formatCount(faults.length)} ${faults.length === 1 ? 'fault' : 'faults'}`,
          {
            hint: 'compare with another clone; git fsck names damaged files, and a fresh clone gets them from the mirror',
            details: reportDocument(report),
          },
        );
      } finally {
        progress.done();
      }
    });
  }
}
