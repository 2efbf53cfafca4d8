import { waitForMirror } from '../../../../domain/client/remote/wait.js';
import { KvCommand } from '../../oclif/base.js';
import type { FlagTable } from '../../parse/flags.js';
import { oclifFlags } from '../../oclif/flags.js';
import { prose } from '../../render/prose.js';
import { print, printJson, Progress } from '../../io/terminal.js';
import { DEFAULT_TIMEOUT_MS, durationFlag, oidFlag } from '../../parse/units.js';

const FLAGS = {
  oid: { type: 'string', summary: 'the ledger commit, in full, as a receipt names it', value: 'OID', required: true },
  'visible-on': {
    type: 'string',
    summary: 'where it must be visible; github means the mirror',
    value: 'SIDE',
    options: ['github', 'mirror'],
    required: true,
  },
  timeout: { type: 'string', summary: 'give up after this long (default: 60s)', value: 'DURATION' },
} as const satisfies FlagTable;

/** `git kv wait`: waits until the mirror shows a commit. */
export class Wait extends KvCommand {
  static override summary = 'wait until the mirror shows a write';
  static override description = prose(`Asks the mirror for the namespace's watermark until it is at or past the
commit. Exits with 10 when that takes longer than --timeout, or when the mirror goes on refusing the namespace, with 6 when neither this
clone nor the Stargate has such a commit, and with 130 when interrupted.`);
  static override examples = ['<%= config.bin %> wait --oid 5f1c… --visible-on=github --timeout 2m'];
  static override flags = oclifFlags(FLAGS);

  async run(): Promise<void> {
    const { flags } = await this.input(FLAGS);
    const timeoutMs = flags.timeout === undefined ? DEFAULT_TIMEOUT_MS : durationFlag('timeout', flags.timeout);
    await this.interruptible(flags, async ({ clone, ns }, signal) => {
      const oid = oidFlag('oid', flags.oid ?? '', clone.store.objectFormat);
      const progress = flags.json === true ? new Progress(false) : new Progress();
      progress.phase(`waiting for the mirror to show ${oid.slice(0, 10)}`);
      try {
        const { watermark, waitedMs } = await waitForMirror(clone, { ns, oid, timeoutMs, signal });
        progress.done();
        if (flags.json) await printJson({ ok: true, ns, oid, watermark, waited_ms: waitedMs });
        else await print(`visible at the mirror after ${(waitedMs / 1000).toFixed(1)} s\n`);
      } finally {
        progress.done();
      }
    });
  }
}
