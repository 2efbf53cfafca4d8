import { resolve } from 'node:path';
import { KvError } from '../../../ports/error.js';
import { COMMON, PLACE, parse, required, shown } from '../command-line.js';
import { listenOption } from '../endpoints.js';
import { REFUSED_UNTIL_TOLD } from '../host-key/command.js';
import type { HostKey } from '../host-key/key-files.js';
import { counted } from '../../../ports/grammar/counted.js';
import { EXIT_CODES } from '../../exit-codes.js';
import { chooseProfile } from '../stargate-profile.js';
import { takeBackup } from './backup.js';
import type { Check } from './check-restored.js';
import type { JournalKept } from './journal.js';
import { type Restored, restoreBackup, restoreFromMirror } from './restore.js';
import { say } from '../process/terminal.js';

const BACKUP = {
  ...COMMON,
  repo: { type: 'string' },
  to: { type: 'string' },
  profile: { type: 'string' },
  plugin: PLACE.plugin,
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
  const { profile: name, plugin: plugins } = values;
  const profile = name === undefined ? null : await chooseProfile({ profile: name, plugins, mirrorRemote: undefined });
  const { manifest, journal } = await takeBackup({ repo, to, policyPath: values['policy-path'] ?? null, hostKeys, profile });
  const bytes = Object.values(manifest.files).reduce((sum, { size }) => sum + size, 0);
  const lines = [
    `backed up ${manifest.repository}`,
    `  to        ${resolve(to)}, ${bytes} bytes`,
    `  refs      ${Object.keys(manifest.refs).length}, read back and whole`,
    ...journalLines(journal),
    hostKeys
      ? '  host keys are in it: keep it as secret as they are'
      : '  host keys are not in it (--with-host-key): keep them apart, for restore --host-keys, or clients meet changed ones then',
  ];
  say(`${lines.join('\n')}\n`);
  return 0;
}

/** What is to be said of the journal; nothing of the usual one. */
export function journalLines(kept: JournalKept): string[] {
  if (kept.kind === 'file') return [];
  const { adapter, profile } = kept.journal;
  const which = `'${adapter}' of profile ${profile}`;
  if (kept.kind === 'replayed') return [`  journal   ${counted(kept.records, 'record')} of ${which}`];
  return [
    `  journal   NOT in it: it lies in ${which}: ${kept.why}`,
    `${INDENT}back it up by its own means, after this one${kept.why === 'no profile was named' ? '; or name the profile: --profile' : ''}`,
  ];
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
  const folder = hostKeys === undefined ? null : resolve(hostKeys);
  if (from !== undefined) {
    if (policy !== undefined)
      throw new KvError('USAGE', '--policy goes with --from-mirror', {
        hint: 'a backup has its own; change .kv/policy.yaml of the repository once it is restored',
      });
    const restored = await restoreBackup({ from, hostKeys: folder }, repo, dryRun);
    say(restoredText(restored, dryRun));
    const fault = restored.checks.find((check) => check.fault !== null)?.fault;
    return fault ? EXIT_CODES[fault.code] : 0;
  }
  if (url === undefined || url === '' || url.startsWith('-')) throw new KvError('USAGE', '--from-mirror wants a URL');
  if (dryRun) throw new KvError('USAGE', '--dry-run goes with --from DIR');
  if (hash !== 'sha1' && hash !== 'sha256') throw new KvError('USAGE', `--hash is sha1 or sha256, not '${hash}'`);
  // A path is kept as an absolute one: the repository's own folder is not where this was run.
  const local = /^(\.{0,2}\/|[^:]+$)/.test(url);
  const given = { policyPath: policy ?? null, hostKeys: folder };
  say(restoredText(await restoreFromMirror({ url: local ? resolve(url) : url, hash, ...given }, repo), false));
  return 0;
}

/** What was restored, or would be, and what is next, for the operator. */
export function restoredText(restored: Restored, dryRun: boolean): string {
  const { gitDir, refs, namespaces, admins, mirror, pushUrl } = restored;
  const then = mirror.ahead
    ? 'then take over what the mirror has, until when writes are refused: git kv stargate sync --adopt'
    : 'then compare: git kv stargate sync';
  const lines = [
    `${dryRun ? 'would restore' : 'restored'} ${gitDir}`,
    `  refs      ${refs}${namespaces.length === 0 ? '' : `, namespaces ${namespaces.join(' ')}`}`,
    `  admins    ${admins.join(', ')}`,
    ...checkLines(restored.checks),
    ...keyLines(restored, dryRun),
    ...mirror.lines.map((line, i) => `${i === 0 ? '  mirror    ' : INDENT}${line}`),
    ...(dryRun ? [] : [`next: git-kv-stargate serve --repo ${gitDir}${listenOption(pushUrl)}; ${then}`]),
  ];
  return `${lines.join('\n')}\n`;
}

const INDENT = ' '.repeat(12);

/** What was looked at and is sound, and then what is not. */
function checkLines(checks: readonly Check[]): string[] {
  const sound = checks.filter(({ fault }) => fault === null);
  return [
    ...sound.map(({ what }, i) => `${i === 0 ? '  checked   ' : INDENT}${what}`),
    ...checks.flatMap(({ what, fault }) => (fault === null ? [] : [`  FAULT     ${what}: ${fault.message}`])),
  ];
}

function keyLines({ hostKeys, newKinds }: Restored, dryRun: boolean): string[] {
  const isNew = (kind: HostKey['kind']): boolean => newKinds.includes(kind);
  return [
    ...hostKeys.map(({ kind, fingerprint, type }) => `  host key  ${fingerprint}  ${type}${isNew(kind) ? ', new' : ''}`),
    ...(dryRun && newKinds.length > 0 ? [`  host key  new ones will be made: ${newKinds.join(', ')}`] : []),
    // Kinds that were never there are no change to anybody: the first one always was.
    ...(isNew('ed25519')
      ? [
          `${INDENT}${REFUSED_UNTIL_TOLD}`,
          `${INDENT}(ssh: REMOTE HOST IDENTIFICATION HAS CHANGED); were the keys kept apart? restore with --host-keys DIR`,
        ]
      : []),
  ];
}
