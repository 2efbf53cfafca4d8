import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { KvError, type ObjectFormat, type Oid, type RefName, type RemoteListing, withoutSecrets } from '../../../ports/index.js';
import { checkRefKind, checkRemote } from '../process/guard.js';
import { type Hosted, stargateFolder } from '../process/hosted.js';
import { askGit, runGit } from '../process/run-git.js';

/** Milliseconds that a remote may take for one answer. */
const PATIENCE_MS = 600_000;

/** The refs of a remote. Throws `IO_ERROR` when it can't be read, `CONFIG_INVALID` when its objects have another format. */
export async function listRemote(hosted: Hosted, remote: string): Promise<RemoteListing> {
  checkRemote(remote);
  const format = await formatOf(hosted);
  const listed = await ask(hosted, ['ls-remote', '--symref', '--', remote]);
  if (listed.status !== 0) throw unreachable(listed.stderr, format);
  const refs = new Map<RefName, Oid>();
  let head: string | null = null;
  for (const line of listed.stdout.split('\n')) {
    const [left = '', name = ''] = line.split('\t');
    if (name === 'HEAD' && left.startsWith('ref: ')) head = left.slice('ref: '.length);
    if (!/^[0-9a-f]{40,64}$/.test(left)) continue;
    const there = left.length === 64 ? 'sha256' : 'sha1';
    if (there !== format) throw otherFormat(there, format);
    if (name.startsWith('refs/') && !name.endsWith('^{}')) refs.set(name, left);
  }
  if (refs.size === 0) await probeFormat(hosted, remote, format);
  if (head === null && ![...refs.keys()].some((ref) => ref.startsWith('refs/heads/'))) head = await unbornHead(hosted, remote);
  return { refs, head };
}

/** The branch that is a remote's HEAD before it is there: ls-remote tells of none, and a clone follows it. */
async function unbornHead(hosted: Hosted, remote: string): Promise<RefName | null> {
  const { gitDir, ownEnv: env } = hosted;
  const url = await runGit(['--git-dir', gitDir, 'config', `remote.${remote}.url`], { env });
  const folder = join(stargateFolder(gitDir), `head-of-${remote}`);
  try {
    const cloned = await askGit(
      ['-c', `init.defaultBranch=${UNTOLD}`, 'clone', '--quiet', '--bare', '--no-tags', '--', url, folder],
      {
        env,
        timeout: PATIENCE_MS,
      },
    );
    if (cloned.status !== 0) return null; // whatever is wrong, the next who asks the remote is told
    const head = await runGit(['--git-dir', folder, 'symbolic-ref', 'HEAD'], { env });
    return head === `refs/heads/${UNTOLD}` ? null : head;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** What a clone's HEAD is where the remote, or its git, doesn't tell. */
const UNTOLD = 'git-kv-untold';

/** Brings all refs of these kinds from a remote, overwriting ours. Throws as `listRemote` does. */
export async function fetchRemote(hosted: Hosted, remote: string, kinds: readonly string[]): Promise<void> {
  checkRemote(remote);
  const refspecs = kinds.map((kind) => `+refs/${checkRefKind(kind)}/*:refs/${kind}/*`);
  if (refspecs.length === 0) return; // git would take what the configuration says
  // However few objects there are, they are kept as one pack: a git before 2.36 syncs that, and loose objects not.
  const fetch = ['-c', 'transfer.unpackLimit=1', 'fetch', '--quiet', '--no-auto-gc', '--no-tags'];
  const fetched = await ask(hosted, [...fetch, '--', remote, ...refspecs]);
  if (fetched.status !== 0) throw unreachable(fetched.stderr, await formatOf(hosted));
}

/** A remote without refs says nothing of its object format to a reader; a push that is not carried out finds it. */
async function probeFormat(hosted: Hosted, remote: string, format: ObjectFormat): Promise<void> {
  const { gitDir, ownEnv: env } = hosted;
  const tree = await runGit(['--git-dir', gitDir, 'hash-object', '-t', 'tree', '-w', '--stdin'], { env });
  const probe = await ask(hosted, ['push', '--dry-run', '--quiet', '--', remote, `${tree}:refs/kv-mirror/probe`]);
  if (/hash algorithm|mismatched algorithms|capabilities\^\{\}/.test(probe.stderr)) throw otherFormat(other(format), format);
}

function ask({ gitDir, ownEnv: env }: Hosted, args: readonly string[]): ReturnType<typeof askGit> {
  return askGit(['--git-dir', gitDir, ...args], { env, timeout: PATIENCE_MS });
}

async function formatOf({ gitDir, ownEnv: env }: Hosted): Promise<ObjectFormat> {
  const format = await runGit(['--git-dir', gitDir, 'rev-parse', '--show-object-format'], { env });
  if (format === 'sha1' || format === 'sha256') return format;
  throw new KvError('FORMAT_UNSUPPORTED', `the repository at '${gitDir}' has the object format '${format}'`);
}

const other = (format: ObjectFormat): ObjectFormat => (format === 'sha1' ? 'sha256' : 'sha1');

function unreachable(stderr: string, format: ObjectFormat): KvError {
  if (/mismatched algorithms/.test(stderr)) return otherFormat(other(format), format);
  const said = withoutSecrets(stderr)
    .trim()
    .split('\n')
    .filter((line) => line !== '')
    .slice(0, 3)
    .join('; ');
  return new KvError('IO_ERROR', `cannot read the mirror: ${said || 'git gave no reason'}`, {
    hint: 'check the URL, and that this user has access',
  });
}

function otherFormat(there: ObjectFormat, here: ObjectFormat): KvError {
  return new KvError('CONFIG_INVALID', `the mirror's objects are named by ${there}, and this repository would use ${here}`, {
    hint: `make a repository whose objects are named by ${there}`,
    details: { objectFormat: there },
  });
}
