import { resolve } from 'node:path';
import { KvError } from '../../../ports/error.js';
import { COMMON, parse, required, shown } from '../command-line.js';
import { takeBackup } from './backup.js';
import { type Restored, restoreBackup, restoreFromMirror } from './restore.js';

const BACKUP = {
  ...COMMON,
  repo: { type: 'string' },
  to: { type: 'string' },
  'policy-path': { type: 'string' },
  'with-host-key': { type: 'boolean' },
} as const;

const RESTORE = {
  ...COMMON,
  repo: { type: 'string' },
  from: { type: 'string' },
  'from-mirror': { type: 'string' },
  hash: { type: 'string', default: 'sha1' },
  policy: { type: 'string' },
  'host-keys': { type: 'string' },
  'dry-run': { type: 'boolean' },
} as const;

/** `git-kv-stargate backup`; gives the exit code. */
export async function runBackup(args: readonly string[]): Promise<number> {
  const values = parse(args, BACKUP);
  if (shown('backup', values)) return 0;
  const [repo, to] = [required(values.repo, '--repo'), required(values.to, '--to')];
  const hostKeys = values['with-host-key'] === true;
  const manifest = await takeBackup({ repo, to, policyPath: values['policy-path'] ?? null, hostKeys });
  const bytes = Object.values(manifest.files).reduce((sum, { size }) => sum + size, 0);
  const lines = [
    `backed up ${manifest.repository}`,
    `  to        ${resolve(to)}, ${bytes} bytes`,
    `  refs      ${Object.keys(manifest.refs).length}, read back and whole`,
    hostKeys
      ? '  host keys are in it: keep it as secret as they are'
      : '  host keys are not in it (--with-host-key): without them, clients meet a changed host key after a restore',
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
  return 0;
}

/** `git-kv-stargate restore`; gives the exit code. Throws `USAGE` unless there is one source. */
export async function runRestore(args: readonly string[]): Promise<number> {
  const values = parse(args, RESTORE);
  if (shown('restore', values)) return 0;
  const [repo, dryRun] = [required(values.repo, '--repo'), values['dry-run'] === true];
  const { from, 'from-mirror': url, hash, policy, 'host-keys': hostKeys } = values;
  if ((from === undefined) === (url === undefined)) {
    throw new KvError('USAGE', 'restore wants --from DIR or --from-mirror URL, and one of them', {
      hint: 'a folder that backup has made; or, without one, the mirror',
    });
  }
  if (from !== undefined) {
    if (policy !== undefined || hostKeys !== undefined)
      throw new KvError('USAGE', '--policy and --host-keys go with --from-mirror', { hint: 'a backup has its own' });
    process.stdout.write(text(await restoreBackup(from, repo, dryRun), dryRun));
    return 0;
  }
  if (url === undefined || url === '' || url.startsWith('-')) throw new KvError('USAGE', '--from-mirror wants a URL');
  if (dryRun) throw new KvError('USAGE', '--dry-run goes with --from DIR');
  if (hash !== 'sha1' && hash !== 'sha256') throw new KvError('USAGE', `--hash is sha1 or sha256, not '${hash}'`);
  // A path is kept as an absolute one: the repository's own folder is not where this was run.
  const local = /^(\.{0,2}\/|[^:]+$)/.test(url);
  const given = { policyPath: policy ?? null, hostKeys: hostKeys === undefined ? null : resolve(hostKeys) };
  process.stdout.write(text(await restoreFromMirror({ url: local ? resolve(url) : url, hash, ...given }, repo), false));
  return 0;
}

function text({ gitDir, refs, namespaces, admins, hostKeys, knownKeys, mirror }: Restored, dryRun: boolean): string {
  const lines = [
    `${dryRun ? 'would restore' : 'restored'} ${gitDir}`,
    `  refs      ${refs}${namespaces.length === 0 ? '' : `, namespaces ${namespaces.join(' ')}`}`,
    `  admins    ${admins.join(', ')}`,
    ...hostKeys.map(({ fingerprint, type }) => `  host key  ${fingerprint}  ${type}${knownKeys ? '' : ', new'}`),
    ...mirror.map((line, i) => `${i === 0 ? '  mirror    ' : '            '}${line}`),
    ...(dryRun ? [] : [`next: git-kv-stargate serve --repo ${gitDir}; then compare: git kv stargate sync`]),
  ];
  return `${lines.join('\n')}\n`;
}
