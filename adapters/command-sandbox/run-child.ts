import { type ChildProcess, spawn } from 'node:child_process';
import { constants } from 'node:os';
import { performance } from 'node:perf_hooks';
import { StringDecoder } from 'node:string_decoder';
import { type CommandLimits, type CommandResult, KvError, printableText, startChild } from '../../ports/index.js';
import { PATH } from './walls.js';

/** How long what an ended command has left behind may keep its outputs open, ms. */
const AFTERMATH = 1000;

/** Runs a command line in a folder, and ends its whole process group with it. Throws `INTERRUPTED`, `BUSY`, `IO_ERROR`. */
export function runChild(
  [program, ...args]: readonly [string, ...string[]],
  folder: string,
  limits: Pick<CommandLimits, 'time' | 'output'>,
  signal: AbortSignal,
): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    const interrupted = (): KvError => new KvError('INTERRUPTED', 'the command was interrupted');
    if (signal.aborted) return reject(interrupted()); // while its files were laid down: it is never heard of again
    const began = performance.now();
    const env = { PATH, HOME: folder, TMPDIR: folder, LANG: 'C.UTF-8' };
    const start = (): ChildProcess =>
      spawn(program, args, { cwd: folder, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    const failed = (cause: Error): KvError =>
      new KvError('IO_ERROR', `a command can't be started: ${cause.message}`, {
        cause,
        hint: 'see that util-linux is installed',
      });
    let timer: NodeJS.Timeout | undefined;
    const unstarted = (error: KvError): void => {
      clearTimeout(timer);
      reject(error);
    };
    const child = startChild(program, start, unstarted, failed);
    let timedOut = false;
    const end = (): void => endGroup(child);
    timer = setTimeout(() => {
      timedOut = true;
      end();
    }, limits.time);
    signal.addEventListener('abort', end, { once: true });
    const said = collect(child, limits.output);
    let duration = 0;
    child.once('exit', () => {
      duration = performance.now() - began;
      clearTimeout(timer);
      end(); // what it has started besides
      setTimeout(() => {
        child.stdout?.destroy();
        child.stderr?.destroy();
      }, AFTERMATH).unref();
    });
    child.once('close', (code, killed) => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      if (signal.aborted) return reject(interrupted());
      const exitCode = code ?? 128 + (killed === null ? 0 : constants.signals[killed]);
      resolve({ exitCode, timedOut, duration, ...said() });
    });
  });
}

/** Ends a child and all of its group, which it leads. */
export function endGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // nobody of the group is left
  }
}

function collect(child: ChildProcess, most: number): () => Pick<CommandResult, 'output' | 'truncated'> {
  let text = '';
  let bytes = 0;
  let truncated = false;
  const ends: (() => void)[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    const decoder = new StringDecoder('utf8');
    ends.push(() => (text += decoder.end()));
    stream?.on('data', (chunk: Buffer) => {
      const kept = chunk.subarray(0, most - bytes);
      truncated ||= kept.length < chunk.length;
      bytes += kept.length;
      text += decoder.write(kept);
    });
  }
  return () => {
    for (const each of ends) each();
    return { output: printableText(text), truncated };
  };
}
