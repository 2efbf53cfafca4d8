import { stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { type Batch, type BatchFault, batchRefused, parseBatch } from '../../../domain/client/write/parse-batch.js';
import type { RequestedOperation } from '../../../domain/client/write/operations.js';
import { fileStream, readRegularFile, readStandardInput, reasonOf } from '../io/files.js';
import { formatCount } from '../render/units.js';
import type { Progress } from '../io/terminal.js';

/** Reads a batch and the files that it names. Throws `INPUT_INVALID` with every fault counted, `KEY_INVALID`, `IO_ERROR`. */
export async function readBatch(file: string, now: number, progress: Progress): Promise<RequestedOperation[]> {
  const isStdin = file === '-';
  const name = isStdin ? 'standard input' : file;
  progress.phase(`reading ${name}`);
  const bytes = isStdin ? await readStandardInput() : await readRegularFile(file);
  const batch = parseBatch(bytes, now);
  progress.phase(`checking ${formatCount(batch.entries.length)} lines`);
  const { operations, faults } = await resolveFiles(batch, isStdin ? process.cwd() : dirname(resolve(file)));
  if (faults.length > 0) throw batchRefused(name, faults);
  return operations;
}

async function resolveFiles(batch: Batch, folder: string): Promise<{ operations: RequestedOperation[]; faults: BatchFault[] }> {
  const operations: RequestedOperation[] = [];
  const faults = [...batch.faults];
  for (const entry of batch.entries) {
    if ('operation' in entry) {
      operations.push(entry.operation);
      continue;
    }
    const path = resolve(folder, entry.file);
    const fault = await fileFault(path);
    if (fault !== undefined)
      faults.push({
        line: entry.line,
        kind: 'input',
        what: `has the file ${JSON.stringify(entry.file)}, which can't be read: ${fault}`,
      });
    // Once the batch is refused, its values are not needed.
    else if (faults.length === 0) operations.push(entry.complete({ stream: fileStream(path) }));
  }
  return { operations, faults };
}

async function fileFault(path: string): Promise<string | undefined> {
  try {
    return (await stat(path)).isFile() ? undefined : 'it is not a regular file';
  } catch (cause) {
    return reasonOf(cause);
  }
}
