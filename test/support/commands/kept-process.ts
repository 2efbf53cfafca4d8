/**
 * A process that runs one command of the bundle after the other, as the launcher does it, and ends when whoever started it does. Its one
 * argument is the bundle's URL.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { Script } from 'node:vm';
import type { CommandReply, CommandRequest } from './messages.js';

interface Bundle {
  main(args: readonly string[]): Promise<number>;
}

const { main } = loaded(process.argv[2] ?? '');

process.setMaxListeners(0); // what a command listens for until its process ends adds up here
const [stdout, stderr] = [written(process.stdout), written(process.stderr)];

process.on('message', async ({ args, cwd, env, input }: CommandRequest) => {
  process.chdir(cwd);
  process.env = { ...env };
  Object.defineProperty(process, 'stdin', { value: Readable.from(input.length > 0 ? [input] : []), configurable: true });
  const code = await main(args);
  process.chdir('/'); // a folder that a process works in may be asked for
  process.send?.({ code, stdout: stdout(), stderr: stderr() } satisfies CommandReply);
});
process.on('disconnect', () => process.exit());

/** The bundle, which is one function: `scripts/bundle.mjs` has what it takes. */
function loaded(bundle: string): Bundle {
  const exported = { exports: {} };
  const importLater = (path: string): Promise<unknown> => import(new URL(path, bundle).href);
  const script = new Script(readFileSync(fileURLToPath(bundle), 'latin1'), { filename: bundle });
  script.runInThisContext()(exported.exports, createRequire(bundle), exported, importLater, bundle);
  return exported.exports as Bundle; // what it exports, as the launcher takes it
}

/** Keeps what a stream is to write; gives it, and begins anew, at each call. */
function written(stream: NodeJS.WriteStream): () => Buffer {
  const chunks: Buffer[] = [];
  stream.setMaxListeners(0);
  const write = (chunk: string | Uint8Array, ...more: readonly unknown[]): boolean => {
    chunks.push(typeof chunk === 'string' ? Buffer.from(chunk) : Buffer.from(chunk));
    const done = more.find((one): one is () => void => typeof one === 'function');
    if (done !== undefined) process.nextTick(done);
    return true;
  };
  stream.write = write;
  return () => Buffer.concat(chunks.splice(0));
}
