import { mkdir } from 'node:fs/promises';
import { dirname, join, relative, resolve, sep } from 'node:path';
import {
  exportSnapshot,
  type SnapshotRequest,
  type SnapshotSummary,
} from '../../../../domain/client/transfer/export-snapshot.js';
import { KvError } from '../../../../ports/error.js';
import { keyArgument } from '../../parse/argument-bytes.js';
import { KvCommand } from '../../oclif/base.js';
import { writeFailed } from '../../io/files.js';
import { writeOutput } from '../../io/write-file.js';
import { type FlagTable, READ_FLAGS } from '../../parse/flags.js';
import { oclifFlags } from '../../oclif/flags.js';
import { prose } from '../../render/prose.js';
import { freshnessOf } from '../../parse/read-flags.js';
import { formatBytes, formatCount, formatMany } from '../../render/units.js';
import { note, printJson, printStream, Progress } from '../../io/terminal.js';

const FLAGS = {
  export: {
    type: 'string',
    summary: 'the file to write, all at once (a device or FIFO, as it is); - is standard output',
    value: 'FILE',
    required: true,
  },
  prefix: { type: 'string', summary: 'only keys that start with this', value: 'PREFIX' },
  files: { type: 'string', summary: 'write values above 1 MiB to files in this folder, named by their digests', value: 'DIR' },
  provenance: { type: 'boolean', summary: 'also who set each key, when, and in which transaction' },
  ...READ_FLAGS,
} as const satisfies FlagTable;

/** `git kv snapshot`: writes the newest state to a file. */
export class Snapshot extends KvCommand {
  static override inRealities = true;
  static override summary = 'export the newest state';
  static override description = prose(`Writes one JSON object a line: a header, every key in order, and an end with the
number of keys and the SHA-256 of their lines. The same state gives the same bytes, and key lines depend on nothing but keys, values,
content types and expiries: two snapshots have the same content exactly when their last lines are equal.

A value is text (value) or base64 (value_b64, and always above 1 MiB). Above 16 MiB it doesn't fit into a line: name a folder with
--files. Keys that have expired are exported too, since what a snapshot says doesn't depend on the clock. Who set a key and when
is part of the history, not of the state: --provenance adds it for people and programs to read, and import takes no notice of it.`);
  static override examples = [
    '<%= config.bin %> snapshot --export backup.jsonl',
    '<%= config.bin %> snapshot --export backup.jsonl --files backup.files',
    '<%= config.bin %> snapshot --export - --prefix cfg: | gzip > cfg.jsonl.gz',
  ];
  static override flags = oclifFlags(FLAGS);

  async run(): Promise<void> {
    const { flags } = await this.input(FLAGS);
    const { export: file = '-', prefix = '', files, provenance = false, json = false } = flags;
    if (prefix !== '') keyArgument(prefix);
    if (json && file === '-')
      throw new KvError('USAGE', '--json and --export - contradict each other', { hint: 'export to a file: --export FILE' });
    const freshness = freshnessOf(flags);
    const progress = new Progress(process.stderr.isTTY === true && !json);
    const onProgress = (keys: number): void => progress.phase(`exporting: ${formatCount(keys)} keys`);
    await this.withClone(flags, async ({ clone, ns }) => {
      const request = {
        ns,
        prefix,
        provenance,
        files: files === undefined ? null : await folderFor(files, file),
        ...freshness,
        onProgress,
      };
      let bytes = 0;
      let summary: SnapshotSummary | undefined;
      const pieces = async function* (): AsyncGenerator<Uint8Array> {
        const all = exportSnapshot(clone, request);
        for (let next = await all.next(); ; next = await all.next()) {
          if (next.done === true) {
            summary = next.value;
            return;
          }
          bytes += next.value.length;
          yield next.value;
        }
      };
      try {
        if (file === '-') await printStream(pieces());
        else await writeOutput(file, pieces());
      } finally {
        progress.done();
      }
      if (summary === undefined) return;
      const beside = files === undefined ? '' : `, values above 1 MiB to ${files}`;
      if (json) await printJson({ ok: true, ...summary, export: file, files: files ?? null, bytes });
      else if (file !== '-')
        note(`exported ${formatMany(summary.keys, 'key')} of ${ns}@${summary.epoch} to ${file} (${formatBytes(bytes)})${beside}`);
    });
  }
}

/** The folder is named in the snapshot from where the snapshot lies, so that the two can be moved together. */
async function folderFor(files: string, file: string): Promise<NonNullable<SnapshotRequest['files']>> {
  const base = file === '-' ? process.cwd() : dirname(resolve(file));
  try {
    await mkdir(files, { recursive: true });
  } catch (cause) {
    throw writeFailed(files, cause);
  }
  const folder = relative(base, resolve(files)).split(sep).join('/') || '.';
  return { folder, write: (name, content) => writeOutput(join(files, name), content) };
}
