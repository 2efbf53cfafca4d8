import { acknowledgedWrite } from '../../../domain/client/write/acknowledged-write.js';
import type { RequestedOperation } from '../../../domain/client/write/operations.js';
import type { WriteRequest } from '../../../domain/client/write/request.js';
import { KvError } from '../../../ports/error.js';
import type { Span } from '../../../ports/tracing.js';
import type { ObjectFormat, Oid } from '../../../ports/vocabulary.js';
import type { Clone } from '../../../domain/client/clone/clone.js';
import { interruptible } from '../session/interruptible.js';
import type { Session } from '../session/session.js';
import { traced } from '../session/traced.js';
import type { CHUNK_FLAGS, FlagValues, GlobalValues, WRITE_FLAGS } from '../parse/flags.js';
import { quoteKey } from '../../../domain/ledger/value/key.js';
import { receiptDocument, receiptText, receiptWarnings } from '../render/receipt.js';
import { formatBytes } from '../render/units.js';
import { Progress, print, printJson, warn } from '../io/terminal.js';
import { messageFlag } from '../parse/message.js';
import { DEFAULT_TIMEOUT_MS, durationFlag, oidFlag, sizeFlag } from '../parse/units.js';

type WriteFlags = GlobalValues & FlagValues<typeof WRITE_FLAGS> & FlagValues<typeof CHUNK_FLAGS>;
type Choices = Pick<WriteRequest, 'strictDelete'>;
/** Operations that bring their own conditions and subject. */
type Plan = Pick<WriteRequest, 'operations' | 'expectBlobs' | 'subject' | 'warnings'>;

/**
 * Writes what `prepare` gives, waits if that is asked for, and prints the receipt: what all commands that write have in common.
 * `afterwards` is done once it has landed.
 */
export async function runWrite(
  flags: WriteFlags,
  prepare: (session: Session, progress: Progress) => Promise<readonly RequestedOperation[] | Plan>,
  choices: Choices = {},
  afterwards?: (session: Session) => Promise<void>,
): Promise<void> {
  const timeoutMs = flags.timeout === undefined ? DEFAULT_TIMEOUT_MS : durationFlag('timeout', flags.timeout);
  const { json } = flags;
  const message = messageFlag(flags.message);
  const maxInline = flags['max-inline'] === undefined ? undefined : sizeFlag('max-inline', flags['max-inline']);
  const write = async (session: Session, signal: AbortSignal, clone: Clone, span: Span): Promise<void> => {
    const progress = json === true ? new Progress(false) : new Progress();
    const { ns } = session;
    try {
      const prepared = await prepare(session, progress);
      const plan: Plan = 'operations' in prepared ? prepared : { operations: prepared };
      const { operations } = plan;
      progress.phase(`writing ${operations.length} ${operations.length === 1 ? 'operation' : 'operations'}`);
      const { receipt, visible } = await acknowledgedWrite(clone, {
        ns,
        ...plan,
        timeoutMs,
        signal,
        ...expectations(flags, operations, clone.store.objectFormat),
        ...(flags['dry-run'] ? { dryRun: true } : {}),
        ...(message === undefined ? {} : { subject: message }),
        ...(maxInline === undefined ? {} : { maxInline }),
        onProgress: (key, bytes) => progress.phase(`reading ${quoteKey(key)}: ${formatBytes(bytes)}`),
        ...(flags.wait === undefined ? {} : { wait: flags.wait }),
        ...choices,
        onLanded: async (landed, waits) => {
          progress.done();
          for (const warning of receiptWarnings(landed)) warn(warning);
          if (flags.wait === true && landed.landed === 'clone')
            warn('there is no mirror to wait for: the write is in this clone only');
          if (json !== true) await print(receiptText(landed, flags['dry-run'] === true));
          if (waits) progress.phase('waiting for the mirror');
        },
      });
      span.note({ txn: receipt.txn === null ? [] : [receipt.txn], retries: receipt.retries });
      progress.done();
      await afterwards?.(session);
      if (json === true) await printJson(receiptDocument(receipt, visible, flags['dry-run'] === true));
      else if (visible !== null) await print(`visible at the mirror after ${(visible.waitedMs / 1000).toFixed(1)} s\n`);
    } finally {
      progress.done();
    }
  };
  await interruptible(flags, (session, signal) => traced(session, (clone, span) => write(session, signal, clone, span)));
}

/** Throws `USAGE` for an oid that is none, and for a key that is not written to. */
function expectations(
  flags: WriteFlags,
  operations: readonly RequestedOperation[],
  format: ObjectFormat,
): Pick<WriteRequest, 'expectTree' | 'expectBlobs'> {
  const tree = flags['expect-tree'];
  const blobs = flags['expect-blob'] ?? [];
  const keys = new Set(operations.map(({ key }) => key));
  const expectBlobs = new Map<string, Oid | null>();
  for (const text of blobs) {
    const at = text.lastIndexOf('=');
    const [only] = keys;
    const key = at < 0 && keys.size === 1 ? only : text.slice(0, Math.max(at, 0));
    if (key === undefined || !keys.has(key)) {
      throw new KvError('USAGE', `--expect-blob ${JSON.stringify(text.slice(0, 80))} names no key that is written to`, {
        hint: 'with several keys: --expect-blob KEY=OID',
      });
    }
    const oid = text.slice(at + 1);
    expectBlobs.set(key, oid === 'none' || oid === '-' ? null : oidFlag('expect-blob', oid, format));
  }
  return {
    ...(tree === undefined ? {} : { expectTree: oidFlag('expect-tree', tree, format) }),
    ...(expectBlobs.size === 0 ? {} : { expectBlobs }),
  };
}
