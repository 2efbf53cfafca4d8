import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { LeaderLock } from '../../../ports/index.js';
import type { LeaderLockBench } from '../leader-lock.js';
import { testFolder } from './folder.js';

/** A plugin's lock, whose medium lies in a folder. */
export interface LockBenchOptions {
  /** The plugin's main module, which exports `manifest` or has it as its default, as a process of its own imports it. */
  readonly manifest: URL;
  /** The adapter's name. */
  readonly name: string;
  /** Opens it in this process. */
  open(directory: string): Promise<LeaderLock>;
  /** Takes the lease away from a holder in this process that goes on living. */
  depose(directory: string): Promise<void>;
  /** How long a dead holder may keep the lock, milliseconds; absent: not at all. */
  readonly takeoverMs?: number;
}

/** Runs in the plugin's own folder, where its packages are found. */
const HOLDER = `import { openPlugin } from 'git-kv/host';
const [manifest, name, directory] = process.argv.slice(1);
const plugin = await import(manifest);
const lock = await openPlugin(plugin.manifest ?? plugin.default, 'leader-lock', name, { directory });
const lease = await lock.acquire('holder process');
process.stdout.write(String(lease?.term ?? 'taken') + '\\n');
setInterval(() => undefined, 60_000);`;

/** A bench for `leaderLockContract`, with contenders in this process and a holder in another one that is killed. */
export async function lockBench(options: LockBenchOptions): Promise<LeaderLockBench> {
  const folder = await testFolder();
  const running: ChildProcess[] = [];
  const kill = async (child: ChildProcess): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  };
  return {
    takeoverMs: options.takeoverMs ?? 0,
    open: () => options.open(folder.path),
    async holderProcess() {
      const args = ['--input-type=module', '-e', HOLDER, options.manifest.href, options.name, folder.path];
      const child = spawn(process.execPath, args, {
        cwd: dirname(fileURLToPath(options.manifest)),
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      running.push(child);
      const [first] = (await Promise.race([once(child.stdout, 'data'), once(child, 'exit')])) as unknown[];
      const term = Number(String(first));
      if (!Number.isSafeInteger(term) || child.exitCode !== null) throw new Error('the other process has not got the lease');
      return { term, kill: () => kill(child) };
    },
    depose: () => options.depose(folder.path),
    async dispose() {
      for (const child of running) await kill(child);
      await folder.remove();
    },
  };
}
