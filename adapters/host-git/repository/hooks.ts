import { constants } from 'node:fs';
import { chmod, mkdir, open, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { KvError } from '../../../ports/index.js';

/*
 * Descriptors that the daemon gives to receive-pack and that its hooks inherit:
 *   3  pre-receive → daemon   what is pushed        4  daemon → hooks   lines for the pusher, then `ok` or `no`
 *   5  proc-receive → daemon  git's pkt-lines       6  daemon → proc-receive   ours
 */

const DIRECT_PUSH =
  'kv-error/1 {"code":"REF_FORBIDDEN","message":"this repository takes pushes only through its Stargate",' +
  '"hint":"push to the SSH address that the Stargate prints when it starts","advice":{"id":"set-up-remote"}}';

/** Every version of our hooks has this in its second line. */
const MARKER = '# Written by git-kv-stargate init.';

const VERDICT = `while IFS= read -r line <&4; do
  case $line in
    ok) exit 0 ;;
    no) exit 1 ;;
    'say '*) printf '%s\\n' "\${line#say }" >&2 ;;
  esac
done`;

const PRE_RECEIVE = `#!/bin/sh
${MARKER} Hands the push to the daemon and waits for its verdict.
if [ "$GIT_KV_STARGATE" != 1 ] || ! { true >&3 && true <&4; } 2>/dev/null; then
  printf '%s\\n' '${DIRECT_PUSH}' >&2
  exit 1
fi
{
  printf 'quarantine %s\\n' "$GIT_QUARANTINE_PATH"
  while IFS= read -r line; do printf '%s\\n' "$line"; done
  echo end
} >&3
${VERDICT}
exit 1
`;

const PROC_RECEIVE = `#!/bin/sh
${MARKER} Connects receive-pack with the daemon, which moves the refs.
exec 7<&0
cat <&7 >&5 &
exec 7<&-
cat <&6
# The daemon has spoken, or is gone. In either case it reads no more; receive-pack, on the other side, may be waiting for us.
kill $! 2>/dev/null
wait
${VERDICT}
exit 1
`;

/** The hooks by file name. */
const HOOKS: Readonly<Record<string, string>> = { 'pre-receive': PRE_RECEIVE, 'proc-receive': PROC_RECEIVE };

/** Writes hooks into `<gitDir>/hooks`, executable; each is there whole or not at all. */
export async function writeHooks(gitDir: string, names: readonly string[] = Object.keys(HOOKS)): Promise<void> {
  await mkdir(join(gitDir, 'hooks'), { recursive: true });
  for (const name of names) {
    const file = join(gitDir, 'hooks', name);
    const draft = `${file}.new`;
    await writeFile(draft, HOOKS[name] as string, { mode: 0o755 });
    await chmod(draft, 0o755);
    await rename(draft, file);
  }
}

/** True when both hooks are there as this version writes them, and git will run them. */
export async function hooksInPlace(gitDir: string): Promise<boolean> {
  return (await otherHooks(gitDir).catch(() => [''])).length === 0; // a hook that can't be read is not in place either
}

/**
 * The hooks that are not as this version writes them: absent, of another version, or not executable, so that git passes over them.
 * Throws `CONFIG_INVALID` for one that is not ours.
 */
export async function otherHooks(gitDir: string): Promise<string[]> {
  const other: string[] = [];
  for (const [name, text] of Object.entries(HOOKS)) {
    const file = join(gitDir, 'hooks', name);
    const found = await readHook(file);
    if (found !== null && found.text !== text && found.text.split('\n')[1]?.startsWith(MARKER) !== true) {
      throw new KvError('CONFIG_INVALID', `${file} is not a hook that a Stargate has written`, {
        hint: `move it away: mv ${file} ${file}.old; the Stargate then writes its own when it starts`,
      });
    }
    if (found === null || found.text !== text || !found.executable) other.push(name);
  }
  return other;
}

/** More than any hook of ours has. Bytes. */
const MOST_BYTES = 64 * 1024;

async function readHook(file: string): Promise<{ text: string; executable: boolean } | null> {
  try {
    // What isn't a file may never end, and who only asks for health is not to wait for it.
    const opened = await open(file, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const { mode, size } = await opened.stat();
      const ours = (mode & constants.S_IFMT) === constants.S_IFREG && size <= MOST_BYTES;
      return { text: ours ? await opened.readFile('utf8') : '', executable: (mode & 0o100) !== 0 };
    } finally {
      await opened.close();
    }
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT') return null;
    throw new KvError('CONFIG_INVALID', `cannot read ${file}: ${code}`, { cause, hint: 'run as the owner of the repository' });
  }
}
