import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { traceEpoch } from '../../../domain/gateway/epochs/compact.js';
import type { RepositoryGateway } from '../../../domain/gateway/gateway.js';
import { formatTime } from '../../../domain/ledger/metadata.js';
import { archiveRef, classifyRef, compactedRef } from '../../../domain/ledger/refs.js';
import { KvError, toKvError } from '../../../ports/error.js';
import type { GitStore } from '../../../ports/git-store.js';
import type { Oid, RefName } from '../../../ports/vocabulary.js';
import { archivesFolder } from './epoch-bundle.js';
import { runGit } from './git.js';
import { serviceEnv } from './git-process.js';
import type { Log } from '../log.js';

export interface TraceSources {
  readonly gitDir: string;
  readonly store: GitStore;
  readonly gateway: RepositoryGateway;
  readonly log: Log;
}

/**
 * Makes up for compactions by versions that left no trace of an epoch's label but its bundle. Gives the refs that it made.
 * A bundle that can't be read is left alone, with a warning: its label could be used again.
 */
export async function traceBundles({ gitDir, store, gateway, log }: TraceSources): Promise<string[]> {
  const folder = archivesFolder(gitDir);
  const bundles = (await filesIn(folder)).filter((file) => file.endsWith('.bundle'));
  if (bundles.length === 0) return [];
  const known = await store.refs(['refs/kv-archive/', 'refs/kv-compacted/']);
  const made: string[] = [];
  for (const file of bundles) {
    const found = classifyRef(`refs/kv-archive/${file.slice(0, -'.bundle'.length)}`);
    if (found.kind !== 'archive' || found.epoch === null) continue;
    const { ns, epoch } = found;
    const [archive, trace] = [archiveRef(ns, epoch), compactedRef(ns, epoch)];
    if (known.has(archive) || known.has(trace)) continue;
    const path = join(folder, file);
    const oid = await headOf(gitDir, path, archive).catch((error: unknown) => {
      log.warn('bundle.unreadable', { bundle: path, message: toKvError(error).message });
      return null;
    });
    if (oid === null) continue;
    const compacted = formatTime(Math.floor((await stat(path)).mtimeMs));
    await gateway.moveOwn((context) => traceEpoch(context, { v: 1, ns, epoch, archive: oid, compacted }));
    made.push(trace);
  }
  return made;
}

async function filesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []; // nothing was ever compacted
    throw error;
  }
}

/** What a bundle holds as this ref. */
async function headOf(gitDir: string, bundle: string, ref: RefName): Promise<Oid> {
  const heads = await runGit(['-C', gitDir, 'bundle', 'list-heads', bundle], { env: serviceEnv(gitDir, undefined) });
  const oid = heads
    .split('\n')
    .map((line) => line.split(' '))
    .find(([, name]) => name === ref)?.[0];
  if (oid === undefined) throw new KvError('GIT_ERROR', `it does not hold ${ref}`);
  return oid;
}
