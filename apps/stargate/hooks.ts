import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/*
 * Descriptors that the daemon gives to receive-pack and that its hooks inherit:
 *   3  pre-receive → daemon   what is pushed        4  daemon → hooks   lines for the pusher, then `ok` or `no`
 *   5  proc-receive → daemon  git's pkt-lines       6  daemon → proc-receive   ours
 */

const DIRECT_PUSH =
  'kv-error/1 {"code":"REF_FORBIDDEN","message":"this repository takes pushes only through its Stargate",' +
  '"hint":"push to the SSH address that git-kv-stargate prints; git kv remote setup configures it"}';

const VERDICT = `while IFS= read -r line <&4; do
  case $line in
    ok) exit 0 ;;
    no) exit 1 ;;
    'say '*) printf '%s\\n' "\${line#say }" >&2 ;;
  esac
done`;

const PRE_RECEIVE = `#!/bin/sh
# Written by git-kv-stargate init. Hands the push to the daemon and waits for its verdict.
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
# Written by git-kv-stargate init. Connects receive-pack with the daemon, which moves the refs.
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
export const HOOKS: Readonly<Record<string, string>> = { 'pre-receive': PRE_RECEIVE, 'proc-receive': PROC_RECEIVE };

/** Writes both hooks into `<gitDir>/hooks`, executable. */
export async function writeHooks(gitDir: string): Promise<void> {
  await mkdir(join(gitDir, 'hooks'), { recursive: true });
  for (const [name, text] of Object.entries(HOOKS)) {
    const file = join(gitDir, 'hooks', name);
    await writeFile(file, text, { mode: 0o755 });
    await chmod(file, 0o755);
  }
}

/** True when both hooks are there as this version writes them. */
export async function hooksInPlace(gitDir: string): Promise<boolean> {
  const same = Object.entries(HOOKS).map(async ([name, text]) => {
    try {
      return (await readFile(join(gitDir, 'hooks', name), 'utf8')) === text;
    } catch {
      return false; // unreadable or absent: not in place either way
    }
  });
  return (await Promise.all(same)).every(Boolean);
}
