import type { ParseArgsConfig } from 'node:util';
import { resolve } from 'node:path';
import { KvError } from '../../../ports/error.js';
import { takeBackup } from './backup.js';
import { type Restored, restoreBackup, restoreFromMirror } from './restore.js';

/** The options of `git-kv-stargate backup`, besides those of every verb. */
export const BACKUP = {
  repo: { type: 'string' },
  to: { type: 'string' },
  'policy-path': { type: 'string' },
  'with-host-key': { type: 'boolean', default: false },
} as const satisfies ParseArgsConfig['options'];

/** The options of `git-kv-stargate restore`. */
export const RESTORE = {
  repo: { type: 'string' },
  from: { type: 'string' },
  'from-mirror': { type: 'string' },
  hash: { type: 'string', default: 'sha1' },
  policy: { type: 'string' },
  'host-keys': { type: 'string' },
  'dry-run': { type: 'boolean', default: false },
} as const satisfies ParseArgsConfig['options'];

/** What was given of the options of `backup`. */
export interface BackupValues {
  readonly repo: string;
  readonly to: string;
  readonly policyPath: string | undefined;
  readonly withHostKey: boolean;
}

/** Runs `backup`; gives what it prints. */
export async function runBackup({ repo, to, policyPath, withHostKey }: BackupValues): Promise<string> {
  const manifest = await takeBackup({ repo, to, policyPath: policyPath ?? null, hostKeys: withHostKey });
  const bytes = Object.values(manifest.files).reduce((sum, { size }) => sum + size, 0);
  const keys = withHostKey
    ? '  host keys are in it: keep it as secret as they are'
    : '  host keys are not in it (--with-host-key): without them, clients meet a changed host key after a restore';
  const refs = Object.keys(manifest.refs).length;
  return `backed up ${manifest.repository}\n  to        ${resolve(to)}, ${bytes} bytes\n  refs      ${refs}, read back and whole\n${keys}\n`;
}

/** What was given of the options of `restore`. */
export interface RestoreValues {
  readonly repo: string;
  readonly from: string | undefined;
  readonly fromMirror: string | undefined;
  readonly hash: string;
  readonly policy: string | undefined;
  readonly hostKeys: string | undefined;
  readonly dryRun: boolean;
}

/** Runs `restore`; gives what it prints. Throws `USAGE` unless there is one source. */
export async function runRestore(values: RestoreValues): Promise<string> {
  const { repo, from, fromMirror, hash, dryRun } = values;
  if ((from === undefined) === (fromMirror === undefined)) {
    throw new KvError('USAGE', 'restore wants --from DIR or --from-mirror URL, and one of them', {
      hint: 'a folder that backup has made; or, without one, the mirror',
    });
  }
  if (from !== undefined) return text(await restoreBackup(from, repo, dryRun), dryRun);
  const url = fromMirror ?? '';
  if (url === '' || url.startsWith('-')) throw new KvError('USAGE', '--from-mirror wants a URL');
  if (dryRun) throw new KvError('USAGE', '--dry-run goes with --from DIR');
  if (hash !== 'sha1' && hash !== 'sha256') throw new KvError('USAGE', `--hash is sha1 or sha256, not '${hash}'`);
  // A path is kept as an absolute one: the repository's own folder is not where this was run.
  const local = /^(\.{0,2}\/|[^:]+$)/.test(url);
  const given = { policyPath: values.policy ?? null, hostKeys: values.hostKeys ?? null };
  return text(await restoreFromMirror({ url: local ? resolve(url) : url, hash, ...given }, repo), false);
}

function text({ gitDir, refs, namespaces, admins, newHostKey, mirror }: Restored, dryRun: boolean): string {
  const lines = [
    `${dryRun ? 'would restore' : 'restored'} ${gitDir}`,
    `  refs      ${refs}${namespaces.length === 0 ? '' : `, namespaces ${namespaces.join(' ')}`}`,
    `  admins    ${admins.join(', ')}`,
    `  host key  ${newHostKey === null ? 'as it was' : `new: ${newHostKey}`}`,
    ...mirror.map((line, i) => `${i === 0 ? '  mirror    ' : '            '}${line}`),
    ...(dryRun ? [] : [`next: git-kv-stargate serve --repo ${gitDir}; then compare: git kv stargate sync`]),
  ];
  return `${lines.join('\n')}\n`;
}
