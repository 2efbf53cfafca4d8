import { Args } from '@oclif/core';
import { type ImportReport, type ImportRequest, importKeys } from '../../../../domain/client/transfer/import/import.js';
import { KvError } from '../../../../ports/error.js';
import { keyArgument } from '../../parse/argument-bytes.js';
import { KvCommand } from '../../oclif/base.js';
import { CHUNK_FLAGS, FILES_FROM_FLAG, type FlagTable, WRITE_FLAGS } from '../../parse/flags.js';
import { openImport } from '../../io/import-source.js';
import { oclifFlags } from '../../oclif/flags.js';
import { prose } from '../../render/prose.js';
import { importDocument, importText } from '../../render/import.js';
import { formatCount } from '../../render/units.js';
import { print, printJson, Progress, warn } from '../../io/terminal.js';
import { countFlag, DEFAULT_TIMEOUT_MS, durationFlag, sizeFlag } from '../../parse/units.js';
import { messageFlag } from '../../parse/message.js';
import { traced } from '../../session/traced.js';

const { 'dry-run': dryRun, message, wait, timeout } = WRITE_FLAGS;
const FLAGS = {
  strip: { type: 'string', summary: 'every key must start with this, and loses it', value: 'TEXT' },
  'add-prefix': { type: 'string', summary: 'put this in front of every key', value: 'TEXT' },
  batch: {
    type: 'string',
    summary: 'this many operations a transaction (default: all in one, where one push may bring them)',
    value: 'N',
  },
  skip: { type: 'string', summary: 'leave out this many operations at the beginning: they have landed before', value: 'N' },
  files: { type: 'string', summary: "where a snapshot's large values lie (default: as its header says)", value: 'DIR' },
  ...FILES_FROM_FLAG,
  ...CHUNK_FLAGS,
  ...{ 'dry-run': dryRun, message, wait, timeout },
} as const satisfies FlagTable;

/** `git kv import`: writes what a file of any known format holds. */
export class Import extends KvCommand {
  static override inRealities = true;
  static override summary = 'import a snapshot, a batch, or an export of Consul or etcd';
  static override description = prose(`FILE is - for standard input. What it holds is told by its content: what git kv
snapshot wrote, the lines of git kv mset, the array of consul kv export, or the object of etcdctl get --prefix -w json.

Everything is read and checked before the first write: a line that can't be used, a key that stands there twice, a value that
isn't the one its etag names, a file that was cut off, and nothing is changed. Then all of it is one transaction; with --batch, each N
operations are one, as by itself where all would be more than one push may bring (max_push_objects of the policy); and where that stops in the middle, the error says how to go on with --skip.

An import is a new write, by you and now: created_by, created_at and txn of a snapshot made with --provenance stay where they are.
Values, content types and expiries are kept, those in the past too; a key without an expiry gets the policy's ttl_default where there
is one. Flags of Consul and leases of etcd are left behind, with a warning.

Files that lines or a snapshot's header name are read only below FILE's own folder (of standard input, below the current one),
links followed, since whoever wrote them doesn't decide what is read here: --allow-files-from DIR allows another folder, and --files DIR
names the one of a snapshot's large values.`);
  static override examples = [
    '<%= config.bin %> import backup.jsonl',
    '<%= config.bin %> import backup.jsonl --batch 5000 --message "restore of last night"',
    'consul kv export config/ | <%= config.bin %> import - --strip config/ --add-prefix cfg:',
    'etcdctl get "" --prefix -w json | <%= config.bin %> import - --dry-run',
  ];
  static override args = { file: Args.string({ required: true, ignoreStdin: true, description: 'the file, or -' }) };
  static override flags = oclifFlags(FLAGS);

  async run(): Promise<void> {
    const { flags, args } = await this.input(FLAGS);
    const { json = false, strip = '', 'add-prefix': addPrefix = '', 'max-inline': maxInline } = flags;
    for (const text of [strip, addPrefix]) if (text !== '') keyArgument(text);
    const subject = messageFlag(flags.message);
    const choices = {
      ...{ strip, addPrefix, dryRun: flags['dry-run'] === true },
      skip: flags.skip === undefined || flags.skip === '0' ? 0 : countFlag('skip', flags.skip),
      timeoutMs: flags.timeout === undefined ? DEFAULT_TIMEOUT_MS : durationFlag('timeout', flags.timeout),
      ...(flags.batch === undefined ? {} : { batch: countFlag('batch', flags.batch) }),
      ...(subject === undefined ? {} : { subject }),
      ...(maxInline === undefined ? {} : { maxInline: sizeFlag('max-inline', maxInline) }),
      ...(flags.wait === undefined ? {} : { wait: flags.wait }),
    };
    const progress = new Progress(process.stderr.isTTY === true && !json);
    const { source, close } = await openImport(args[0] ?? '-', {
      files: flags.files,
      allowed: flags['allow-files-from'] ?? [],
    });
    let landed = choices.skip;
    const onProgress: ImportRequest['onProgress'] = (phase, done, of) => {
      if (phase === 'writing') landed = done;
      progress.phase(
        phase === 'waiting'
          ? 'waiting for the mirror'
          : `${phase}: ${formatCount(done)}${of === null ? '' : ` of ${formatCount(of)}`} operations`,
      );
    };
    let report: ImportReport;
    try {
      report = await this.interruptible(flags, (session, signal) =>
        traced(session, (clone) => importKeys(clone, { ns: session.ns, source, signal, onProgress, ...choices })),
      );
    } catch (error) {
      throw interruptedAt(error, landed);
    } finally {
      progress.done();
      await close();
    }
    for (const warning of report.warnings) warn(warning);
    if (json) await printJson(importDocument(report, choices.dryRun));
    else await print(importText(report, choices.dryRun));
  }
}

function interruptedAt(error: unknown, landed: number): unknown {
  if (!KvError.is(error) || error.code !== 'INTERRUPTED' || landed === 0) return error;
  return new KvError('INTERRUPTED', `interrupted: at least ${landed} operations have landed`, {
    hint: `go on with the same command and --skip ${landed}`,
    details: { landed },
    cause: error,
  });
}
