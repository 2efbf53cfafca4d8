import { dirname, resolve } from 'node:path';
import { type Batch, type BatchFault, batchRefused, parseBatch } from '../../../domain/client/write/parse-batch.js';
import type { RequestedOperation } from '../../../domain/client/write/operations.js';
import { fileStream, readRegularFile, readStandardInput } from '../io/files.js';
import { NamedFiles } from '../io/named-files.js';
import { formatCount } from '../render/units.js';
import type { Progress } from '../io/terminal.js';

interface BatchRequest {
  readonly file: string;
  /** Other folders than the batch's own that may be read. */
  readonly allowed: readonly string[];
  /** For TTLs that are durations, ms since the epoch. */
  readonly now: number;
}

/** Reads a batch and the files that it names. Throws `INPUT_INVALID` with every fault counted, `KEY_INVALID`, `IO_ERROR`, `USAGE`. */
export async function readBatch({ file, allowed, now }: BatchRequest, progress: Progress): Promise<RequestedOperation[]> {
  const isStdin = file === '-';
  const files = await NamedFiles.open(isStdin ? process.cwd() : dirname(resolve(file)), allowed);
  const name = isStdin ? 'standard input' : file;
  progress.phase(`reading ${name}`);
  const bytes = isStdin ? await readStandardInput() : await readRegularFile(file);
  const batch = parseBatch(bytes, now);
  progress.phase(`checking ${formatCount(batch.entries.length)} lines`);
  const { operations, faults } = await resolveFiles(batch, files);
  if (faults.length > 0) throw batchRefused(name, faults);
  return operations;
}

async function resolveFiles(
  batch: Batch,
  files: NamedFiles,
): Promise<{ operations: RequestedOperation[]; faults: BatchFault[] }> {
  const operations: RequestedOperation[] = [];
  const faults = [...batch.faults];
  for (const entry of batch.entries) {
    if ('operation' in entry) {
      operations.push(entry.operation);
      continue;
    }
    const found = await files.find(entry.file);
    if ('fault' in found)
      faults.push({
        line: entry.line,
        kind: 'input',
        what: `has the file ${JSON.stringify(entry.file)}, which can't be read: ${found.fault}`,
      });
    // Once the batch is refused, its values are not needed.
    else if (faults.length === 0) operations.push(entry.complete({ stream: fileStream(found.path) }));
  }
  return { operations, faults };
}
