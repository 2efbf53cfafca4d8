/**
 * A process that runs one command of a program after the other, as its launcher does it, and ends when whoever started it does. Its one
 * argument is the URL of the bundle that has the program's `main`: a module, but for the one of `git kv`, which is a function.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { Script } from 'node:vm';
import type { CommandReply, CommandRequest, Printed } from './messages.js';

interface Program {
  main(args: readonly string[]): Promise<number>;
}

const [, , url = ''] = process.argv;
const { main } = url.endsWith('/git-kv.js') ? bundled(url) : ((await import(url)) as Program);

process.setMaxListeners(0); // what a command listens for until its process ends adds up here
let printed: Printed[] = [];
keep(1, process.stdout);
keep(2, process.stderr);

process.on('message', async ({ args, cwd, env, input }: CommandRequest) => {
  process.chdir(cwd);
  process.env = { ...env };
  Object.defineProperty(process, 'stdin', { value: Readable.from(input.length > 0 ? [input] : []), configurable: true });
  const code = await main(args);
  process.chdir('/'); // a folder that a process works in may be asked for
  process.send?.({ code, printed } satisfies CommandReply);
  printed = [];
});
process.on('disconnect', () => process.exit());

/** The bundle of `git kv`: `scripts/bundle.mjs` has what it takes. */
function bundled(bundle: string): Program {
  const exported = { exports: {} };
  const importLater = (path: string): Promise<unknown> => import(new URL(path, bundle).href);
  const script = new Script(readFileSync(fileURLToPath(bundle), 'latin1'), { filename: bundle });
  script.runInThisContext()(exported.exports, createRequire(bundle), exported, importLater, bundle);
  return exported.exports as Program; // what it exports, as the launcher takes it
}

/** Keeps what a stream is to write. */
function keep(which: 1 | 2, stream: NodeJS.WriteStream): void {
  stream.setMaxListeners(0);
  const write = (chunk: string | Uint8Array, ...more: readonly unknown[]): boolean => {
    printed.push([which, typeof chunk === 'string' ? Buffer.from(chunk) : Buffer.from(chunk)]);
    const done = more.find((one): one is () => void => typeof one === 'function');
    if (done !== undefined) process.nextTick(done);
    return true;
  };
  stream.write = write;
}
