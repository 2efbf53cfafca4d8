import { spawn } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { bundleFile, KvError, manifestFile, type MirrorManifest, printable, startChild } from '../../ports/index.js';

/** Hands a link in a folder on. Throws `IO_ERROR` when it was not taken. */
export type Deliver = (folder: string, link: MirrorManifest, signal?: AbortSignal) => Promise<void>;

/**
 * Delivers links to a program's standard input: a line `git-kv-mirror 1 <number> <bytes of the manifest> <bytes of the bundle>`, then the
 * two files. It has taken a link when it ends with 0; one that may not have is sent again, the same to the byte.
 */
export function commandDelivery(command: readonly string[], env: Readonly<Record<string, string | undefined>>): Deliver {
  const kept = Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('GIT_') && !name.startsWith('OTEL_')));
  return async (folder, { seq, bundle }, signal) => {
    const manifest = join(folder, manifestFile(seq));
    const { size } = await stat(manifest);
    await run(command, kept, signal, async function* () {
      yield Buffer.from(`git-kv-mirror 1 ${seq} ${size} ${bundle?.size ?? 0}\n`);
      yield* createReadStream(manifest);
      if (bundle !== null) yield* createReadStream(join(folder, bundleFile(seq, bundle.sha256)));
    });
  };
}

function run(
  [program = '', ...args]: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  signal: AbortSignal | undefined,
  link: () => AsyncGenerator<Buffer>,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const interrupted = (): KvError =>
      new KvError('INTERRUPTED', `${program}, which takes the mirror's bundles, was interrupted`);
    if (signal?.aborted === true) return reject(interrupted());
    const failed = (why: string, cause?: Error): KvError =>
      new KvError('IO_ERROR', `${program} has not taken the mirror's bundle: ${why}`, {
        ...(cause === undefined ? {} : { cause }),
        hint: 'see to the command of mirror-bundle; the mirror worker tries again by itself',
      });
    const start = () => spawn(program, args, { env, stdio: ['pipe', 'ignore', 'pipe'] });
    const child = startChild(program, start, reject, (cause) => failed(cause.message, cause));
    const stop = (): void => void child.kill();
    signal?.addEventListener('abort', stop, { once: true });
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr = `${stderr}${text}`.slice(-2000)));
    const sent = pipeline(link, child.stdin).then(
      () => null,
      (error: Error) => error, // a program that ends early is judged by its status, and by whether it had read all
    );
    child.once('close', (status) => {
      signal?.removeEventListener('abort', stop);
      void sent.then((broken) => {
        if (signal?.aborted === true) reject(interrupted());
        else if (status !== 0) reject(failed(printable(stderr.trim().split('\n').pop() ?? '') || `it ended with ${status}`));
        else if (broken !== null) reject(failed('it ended before it had read all', broken));
        else resolve();
      });
    });
  });
}
