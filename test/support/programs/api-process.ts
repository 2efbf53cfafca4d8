import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { BIN_DIR } from '../root.js';

/** A git-kv-api that runs as a process of its own. */
export interface ApiProcess {
  readonly child: ChildProcess;
  /** Where it listens. */
  readonly base: string;
  /** What it has logged so far. */
  log(): string;
  /** Sends it a signal; resolves to how it ended. */
  end(signal: 'SIGTERM' | 'SIGKILL'): Promise<readonly [code: number | null, signal: string | null]>;
}

/** Starts one on a free port. Throws with its log where it doesn't start. */
export async function startApi(env: Readonly<Record<string, string>>): Promise<ApiProcess> {
  const own = { PATH: process.env['PATH'], GOVC_PORT: '0', GIT_KV_API_PASSWORD_COST: '14', ...env };
  const child = spawn(process.execPath, [join(BIN_DIR, 'git-kv-api.js')], { env: own, stdio: ['ignore', 'pipe', 'pipe'] });
  let log = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (log += text));
  const ended = once(child, 'exit') as Promise<[number | null, string | null]>;
  const lines = createInterface(child.stdout);
  const base = await Promise.race([
    new Promise<string>((resolve) => {
      lines.on('line', (line) => {
        const [, found] = /listens on (\S+)$/.exec(line) ?? [];
        if (found !== undefined) resolve(found);
      });
    }),
    ended.then(() => null),
  ]);
  if (base === null) throw new Error(`it does not start: ${log}`);
  return {
    child,
    base,
    log: () => log,
    async end(signal) {
      child.kill(signal);
      return ended;
    },
  };
}
