import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { traceEpoch } from '../../domain/gateway/compact-epochs.js';
import type { RepositoryGateway } from '../../domain/gateway/gateway.js';
import { formatTime } from '../../domain/metadata.js';
import { archiveRef, classifyRef, compactedRef } from '../../domain/refs.js';
import type { GitStore } from '../../ports/git-store.js';
import { archivesFolder } from './epoch-bundle.js';
import { runGit } from './git.js';
import { serviceEnv } from './git-process.js';

/**
 * Makes up for compactions by versions that left no trace of an epoch's label but its bundle. Gives the refs that it made.
 * A bundle that can't be read is left alone.
 */
export async function traceBundles(gitDir: string, store: GitStore, gateway: RepositoryGateway): Promise<string[]> {
  const folder = archivesFolder(gitDir);
  const files = await readdir(folder).catch(() => []); // nothing was ever compacted
  const made: string[] = [];
  for (const file of files) {
    const found = file.endsWith('.bundle') ? classifyRef(`refs/kv-archive/${file.slice(0, -'.bundle'.length)}`) : null;
    if (found?.kind !== 'archive' || found.epoch === null) continue;
    const { ns, epoch } = found;
    const [archive, trace] = [archiveRef(ns, epoch), compactedRef(ns, epoch)];
    if ((await store.refs([archive, trace])).size > 0) continue;
    const path = join(folder, file);
    const heads = await runGit(['-C', gitDir, 'bundle', 'list-heads', path], { env: serviceEnv(gitDir, undefined) }).catch(
      () => '',
    );
    const oid = new RegExp(`^([0-9a-f]+) ${archive.replaceAll('.', '\\.')}$`, 'm').exec(heads)?.[1];
    if (oid === undefined) continue;
    const compacted = formatTime(Math.floor((await stat(path)).mtimeMs));
    await gateway.moveOwn((_, context) => traceEpoch(context, { v: 1, ns, epoch, archive: oid, compacted }));
    made.push(trace);
  }
  return made;
}
